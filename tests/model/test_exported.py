"""Layers exported to ONNX: equal to Trax for any shape, and served where neither Trax nor JAX can be imported."""

import json
import multiprocessing
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.training import Example

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.explanation.integrated_gradients import COMPLETENESS, integrated_gradients
from spacy_trax_sentiment.model import layer_scores
from spacy_trax_sentiment.model.architecture import LayerArchitecture
from spacy_trax_sentiment.model.exported import exported, layer_functions
from spacy_trax_sentiment.model.gradients import compiled
from spacy_trax_sentiment.model.graph import GRADIENT, GRAPH
from spacy_trax_sentiment.model.inputs import docs_to_ids
from spacy_trax_sentiment.model.layer_scores import layer_log_probabilities
from spacy_trax_sentiment.model.parameters import get_weights
from spacy_trax_sentiment.model.session import Session
from spacy_trax_sentiment.model.trax_backend import fastmath, jax, tl
from spacy_trax_sentiment.model.trax_layers import Convolution
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.storage.sealed import SEAL, manifest
from spacy_trax_sentiment.storage.whole import MANIFEST

pytest.importorskip("onnxruntime", reason="the extra 'trf' is not installed")
pytest.importorskip("jax2onnx", reason="the exporter is not installed")

pytestmark = pytest.mark.slow

N_TERMS, N_LABELS = 40, 3
DATA = [
    ("I love it, great", "positive"),
    ("I hate it, awful", "negative"),
    ("good good stuff", "positive"),
    ("bad stuff really", "negative"),
]
TEXTS = [text for text, _ in DATA] + ["", "zzzz", "a good day", "awful, awful " * 40]


@dataclass(frozen=True)
class Recurrent:
    """A gated recurrent unit over the text."""

    def __call__(self, n_terms: int, n_labels: int, dropout: float) -> Any:
        rest = [tl.Mean(axis=1), tl.Dense(n_labels), tl.LogSoftmax()]
        return tl.Serial(tl.Embedding(n_terms, 6), tl.GRU(6), *rest)


@dataclass(frozen=True)
class Attentive:
    """Attention that skips padding, and dropout, whose key is split even in prediction."""

    def __call__(self, n_terms: int, n_labels: int, dropout: float) -> Any:
        def real(ids: Any) -> Any:
            return (ids != 0)[:, None, None, :]

        def masked_mean(x: Any, real: Any) -> Any:
            weights = real[:, 0, 0, :].astype(x.dtype)[..., None]
            return (x * weights).sum(axis=1) / fastmath.numpy.maximum(weights.sum(axis=1), 1)

        return tl.Serial(
            tl.Branch(tl.Embedding(n_terms, 8), tl.Fn("Real", real)),
            tl.Attention(8, n_heads=2, dropout=0.1, mode="eval"),
            tl.LayerNorm(),
            tl.Residual(tl.Dense(8), tl.Gelu()),
            tl.Fn("MaskedMean", masked_mean),
            tl.Dense(n_labels),
            tl.LogSoftmax(),
        )


@dataclass(frozen=True)
class Exotic:
    """A layer with an operator that ONNX cannot express: a function of the host."""

    def __call__(self, n_terms: int, n_labels: int, dropout: float) -> Any:
        def doubled(x: Any) -> Any:
            shape, fixed = jax.ShapeDtypeStruct(x.shape, x.dtype), jax.lax.stop_gradient(x)
            return x + jax.pure_callback(np.asarray, shape, fixed)

        return tl.Serial(
            tl.Embedding(n_terms, 4), tl.Mean(axis=1), tl.Fn("D", doubled), tl.Dense(n_labels), tl.LogSoftmax()
        )


@dataclass(frozen=True)
class Frozen:
    """A layer whose embedding is not trained."""

    def __call__(self, n_terms: int, n_labels: int, dropout: float) -> Any:
        frozen = tl.Fn("Frozen", jax.lax.stop_gradient)
        return tl.Serial(
            tl.Embedding(n_terms, 8),
            frozen,
            tl.Dense(8),
            tl.Tanh(),
            tl.Mean(axis=1),
            tl.Dense(n_labels),
            tl.LogSoftmax(),
        )


LAYERS = [Convolution(8, 8), Recurrent(), Attentive()]
spacy.registry.misc("test_exported.Exotic.v1")(Exotic)
spacy.registry.misc("test_exported.Frozen.v1")(Frozen)
spacy.registry.misc("test_exported.Attentive.v1")(Attentive)


def random_weights(architecture: LayerArchitecture) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    shapes = compiled(architecture).shapes
    return {name: rng.normal(size=shape, scale=0.7).astype(np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
@settings(max_examples=15)
@given(shape=st.tuples(st.integers(1, 9), st.integers(1, 33)), seed=st.integers(0, 99))
def test_the_graph_equals_trax(layer: Any, shape: tuple[int, int], seed: int) -> None:
    architecture = LayerArchitecture(layer, N_TERMS, N_LABELS)
    weights = random_weights(architecture)
    ids = np.random.default_rng(seed).integers(1, N_TERMS, shape).astype(np.int32)
    ids[0, (shape[1] + 1) // 2 :] = 0
    session = Session(exported(architecture), weights)
    np.testing.assert_allclose(session(ids), compiled(architecture).run(weights, ids, 0), atol=1e-5)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_the_graph_holds_no_weights(layer: Any) -> None:
    import onnx

    architecture = LayerArchitecture(layer, N_TERMS, N_LABELS)
    graph = onnx.load_model_from_string(exported(architecture).data).graph
    assert {value.name for value in graph.input} == {"ids", *compiled(architecture).shapes}
    assert max(np.prod(tensor.dims, dtype=int) for tensor in graph.initializer) < 16


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
@settings(max_examples=10)
@given(shape=st.tuples(st.integers(1, 5), st.integers(1, 17)), n_rows=st.integers(5, 90), seed=st.integers(0, 99))
def test_the_gradient_equals_that_of_jax(layer: Any, shape: tuple[int, int], n_rows: int, seed: int) -> None:
    architecture = LayerArchitecture(layer, N_TERMS, N_LABELS)
    functions, weights, gradient = (
        layer_functions(architecture),
        random_weights(architecture),
        exported(architecture).gradient,
    )
    assert gradient is not None
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, n_rows, shape).astype(np.int32)
    direction = rng.normal(size=(shape[0], N_LABELS)).astype(np.float32)
    table = rng.normal(size=(n_rows, weights["weights_000"].shape[1])).astype(np.float32)
    assert functions.tables == ("weights_000",)
    found = Session(gradient, weights)(ids, direction=direction, weights_000=table)
    # Compiled at once: JAX would compile each operation on its own otherwise.
    expected = jax.jit(functions.contribute)(ids, direction, *(weights | {"weights_000": table}).values())
    np.testing.assert_allclose(found, expected, atol=2e-5)


def blank(**layer: Any) -> Language:
    layer = layer or {"@misc": "spacy_trax_sentiment.Convolution.v1", "embedding_dim": 48, "filters": 8}
    model = {
        "@architectures": "spacy_trax_sentiment.TraxLayer.v1",
        "preprocessor": {"@misc": "spacy_trax_sentiment.SentimentTerms.v1", "bigram_buckets": 128},
        "layer": layer,
    }
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config={"model": model, "pretrained": None})
    return nlp


def examples(nlp: Language) -> list[Example]:
    labels = ("negative", "positive")
    return [
        Example.from_dict(nlp.make_doc(text), {"cats": {name: float(name == label) for name in labels}})
        for text, label in DATA
    ]


def updated(nlp: Language, n_steps: int = 5) -> Language:
    for _ in range(n_steps):
        nlp.update(examples(nlp), sgd=nlp.create_optimizer())
    return nlp


def trained(**layer: Any) -> Language:
    spacy.util.fix_random_seed(0)
    nlp = blank(**layer)
    nlp.initialize(lambda: examples(nlp))
    return updated(nlp)


def scores(nlp: Language, texts: list[str] = TEXTS) -> Any:
    return np.array([list(doc.cats.values()) for doc in nlp.pipe(texts)])


@pytest.fixture(scope="module")
def by_trax() -> tuple[Language, Any]:
    """A trained pipeline, saved once, and its scores before that. Tests must not change it."""
    nlp = trained()
    expected = scores(nlp)
    nlp.to_bytes()
    return nlp, expected


@pytest.fixture
def saved(by_trax: tuple[Language, Any], tmp_path: Path) -> Path:
    by_trax[0].to_disk(tmp_path)
    return tmp_path


def change_file(path: Path, name: str, change: Callable[[bytes], bytes], sealed: bool = True) -> None:
    """Change a file of the component, and seal its directory again if `sealed`."""
    directory = path / "trax_sentiment"
    (directory / name).write_bytes(change((directory / name).read_bytes()))
    (path / SEAL).unlink(missing_ok=True)
    if sealed:
        files = {each.name: each.read_bytes() for each in directory.iterdir() if each.name != MANIFEST}
        (directory / MANIFEST).write_bytes(manifest(files, {}))


SERVE = """
import sys
for name in ("trax", "jax", "jaxlib", "jax2onnx", "tensorflow"):
    sys.modules[name] = None
import json, spacy
nlp = spacy.load(sys.argv[1])
print(json.dumps([list(doc.cats.values()) for doc in nlp.pipe(json.loads(sys.argv[2]))]))
"""


def test_a_saved_pipeline_is_served_without_trax_and_jax(by_trax: tuple[Language, Any], saved: Path) -> None:
    command = [sys.executable, "-c", SERVE, str(saved), json.dumps(TEXTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(json.loads(done.stdout), by_trax[1], atol=1e-5)


EXPLAIN = """
import sys
for name in ("trax", "jax", "jaxlib", "jax2onnx", "tensorflow"):
    sys.modules[name] = None
import json, spacy
nlp = spacy.load(sys.argv[1])
found = [nlp(text)._.sentiment for text in json.loads(sys.argv[2])]
print(json.dumps([[each.toward("positive").tolist(), each.bias_toward("positive"), each.log_odds] for each in found]))
"""


def test_a_saved_pipeline_explains_without_trax_and_jax(by_trax: tuple[Language, Any], saved: Path) -> None:
    command = [sys.executable, "-c", EXPLAIN, str(saved), json.dumps(TEXTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for (tokens, bias, log_odds), (negative, positive) in zip(json.loads(done.stdout), by_trax[1], strict=True):
        assert log_odds == pytest.approx(np.log(positive / negative), abs=1e-4)
        assert sum(tokens) + bias == pytest.approx(log_odds, abs=COMPLETENESS)


def test_onnx_and_jax_explain_alike(saved: Path) -> None:
    nlp = spacy.load(saved)
    model = find_component(nlp).model
    (ids,) = docs_to_ids(model, [nlp.make_doc("I love it, awful zzzz")])
    by_onnx = integrated_gradients(model, ids)
    model.attrs["graph"] = None
    for found, expected in zip(by_onnx, integrated_gradients(model, ids), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_frozen_embedding_is_explained() -> None:
    nlp = trained(**{"@misc": "test_exported.Frozen.v1"})
    model = find_component(nlp).model
    nlp.to_bytes()
    doc = nlp("I love it, great")
    assert np.abs(doc._.sentiment.contributions).max() > COMPLETENESS
    assert model.attrs["graph"].gradient is not None


def test_scores_do_not_depend_on_the_batch(saved: Path) -> None:
    nlp = spacy.load(saved)
    together, texts = scores(nlp), TEXTS * 50
    alone = np.array([list(nlp(text).cats.values()) for text in TEXTS])
    order = np.random.default_rng(0).permutation(len(texts))
    shuffled = scores(nlp, [texts[i] for i in order])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(shuffled, alone[order % len(TEXTS)], atol=1e-5)


def test_batches_are_bounded(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = find_component(spacy.load(saved)).model
    shapes: list[tuple[int, int]] = []

    def run(ids: Any) -> Any:
        shapes.append(ids.shape)
        return np.repeat(ids.sum(axis=1, keepdims=True), 2, axis=1)

    monkeypatch.setattr(layer_scores, "predictor", lambda model: run)
    lengths = [0, 5000, *([3] * 300), *([1000] * 9), 40, 0]
    found = layer_log_probabilities(model, [np.ones(length, dtype=np.int64) for length in lengths])
    np.testing.assert_array_equal(found[:, 0], lengths)
    assert all(rows <= 128 and (rows * length <= 4096 or rows == 1) for rows, length in shapes)
    assert sum(rows for rows, _ in shapes) == len(lengths)
    assert layer_log_probabilities(model, []).shape == (0, 2)


def test_threads_share_a_session(by_trax: tuple[Language, Any], saved: Path) -> None:
    nlp = spacy.load(saved)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: scores(nlp), range(12)):
            np.testing.assert_allclose(found, by_trax[1], atol=1e-5)


FORK = """
import multiprocessing, os, sys
os.environ.pop("OMP_NUM_THREADS", None)
import spacy, numpy as np
nlp = spacy.load(sys.argv[1])
texts = ["I love it, great", "awful"] * 8
def scores(nlp, n_process=1):
    return [list(doc.cats.values()) for doc in nlp.pipe(texts, n_process=n_process, batch_size=4)]
if __name__ == "__main__":
    expected = scores(nlp)
    multiprocessing.set_start_method(sys.argv[2])
    np.testing.assert_allclose(scores(nlp, 2), expected, atol=1e-5)
    np.testing.assert_allclose(scores(nlp), expected, atol=1e-6)
    print("equal")
"""


@pytest.mark.parametrize(
    "method", [each for each in ("fork", "spawn") if each in multiprocessing.get_all_start_methods()]
)
def test_other_processes_make_a_session_of_their_own(saved: Path, tmp_path: Path, method: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(FORK)
    command = [sys.executable, str(script), str(saved), method]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout == "equal\n", done.stderr


def test_changed_weights_are_seen(saved: Path) -> None:
    nlp = spacy.load(saved)
    before, component = scores(nlp), find_component(nlp)
    updated(nlp)
    after = scores(nlp)
    assert np.abs(after - before).max() > 1e-3
    component.model.attrs["graph"] = None
    np.testing.assert_allclose(scores(nlp), after, atol=1e-5)


def test_a_graph_is_made_once(by_trax: tuple[Language, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    by_trax[0].to_disk(tmp_path / "first")
    nlp = updated(spacy.load(tmp_path / "first"))
    monkeypatch.setattr(layer_scores, "exported", None)
    nlp.to_disk(tmp_path / "second")
    graphs = [(tmp_path / name / "trax_sentiment" / GRAPH).read_bytes() for name in ("first", "second")]
    assert graphs[0] == graphs[1]
    np.testing.assert_allclose(scores(spacy.load(tmp_path / "second")), scores(nlp), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "change", "sealed", "message"),
    [
        (GRAPH, lambda data: data[:50] + bytes([data[50] ^ 1]) + data[51:], False, r"S071.*graph\.onnx.*checksum"),
        (GRAPH, lambda data: data[:-100], False, r"S071.*graph\.onnx.*bytes"),
        (GRAPH, lambda data: data[:-100], True, r"S077.*graph\.onnx"),
        (GRADIENT, lambda data: data[:-100], True, r"S077.*gradient\.onnx"),
        (GRAPH, lambda data: b"", True, None),
    ],
    ids=["flipped", "truncated", "truncated and sealed", "truncated gradient", "none"],
)
def test_a_damaged_graph_is_refused_by_name(
    by_trax: tuple[Language, Any], saved: Path, name: str, change: Any, sealed: bool, message: str | None
) -> None:
    change_file(saved, name, change, sealed)
    if message is None:  # as a model that was saved without a graph
        np.testing.assert_allclose(scores(spacy.load(saved)), by_trax[1], atol=1e-5)
        return
    with pytest.raises(SentimentError, match=message):
        scores(spacy.load(saved))


def test_a_layer_that_cannot_be_exported_is_saved_and_served_by_trax(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nlp = trained(**{"@misc": "test_exported.Exotic.v1"})
    expected = scores(nlp)
    nlp.to_disk(tmp_path)
    assert "Exotic() was not exported to ONNX" in caplog.text
    assert not (tmp_path / "trax_sentiment" / GRAPH).exists()
    np.testing.assert_allclose(scores(spacy.load(tmp_path)), expected, atol=1e-5)


def test_int8_is_near_and_can_be_trained_on(by_trax: tuple[Language, Any], tmp_path: Path) -> None:
    nlp = spacy.blank("en").from_config(by_trax[0].config).from_bytes(by_trax[0].to_bytes())
    component = find_component(nlp)
    component.cfg["weights_dtype"] = "int8"
    nlp.to_disk(tmp_path)
    assert (tmp_path / "trax_sentiment" / "weights_000.scale.npy").exists()
    loaded = spacy.load(tmp_path)
    weights, near = get_weights(component.model), get_weights(find_component(loaded).model)
    assert {value.dtype for value in near.values()} == {np.dtype(np.float32)}
    for name, value in weights.items():
        assert np.abs(near[name] - value).max() <= np.abs(value).max() / 253
    np.testing.assert_allclose(scores(loaded), scores(nlp), atol=0.02)
    before = scores(loaded)
    assert np.abs(scores(updated(loaded)) - before).max() > 1e-3
    loaded.to_disk(tmp_path / "again")
    np.testing.assert_allclose(scores(spacy.load(tmp_path / "again")), scores(loaded), atol=0.02)
    (tmp_path / "trax_sentiment" / "weights_000.scale.npy").write_bytes(b"")
    with pytest.raises(SentimentError, match=r"S071.*weights_000\.scale\.npy"):
        spacy.load(tmp_path)


MISSING = """
import sys
for name in ("trax", "onnxruntime"):
    sys.modules[name] = None
import spacy
nlp = spacy.load(sys.argv[1])
try:
    nlp("good")
except ImportError as error:
    print(error)
"""


def test_serving_without_onnxruntime_names_the_extra(saved: Path) -> None:
    command = [sys.executable, "-c", MISSING, str(saved)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "S079" in printed
    assert "pip install '.[trf]'" in printed


def test_who_trains_needs_no_onnxruntime(
    by_trax: tuple[Language, Any], saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    np.testing.assert_allclose(scores(spacy.load(saved)), by_trax[1], atol=1e-5)
