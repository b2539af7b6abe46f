import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.training import Example
from thinc.api import Model

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.model.custom_layer import TraxLayer
from spacy_trax_sentiment.model.graph import GRAPH
from spacy_trax_sentiment.model.trax_backend import tl
from spacy_trax_sentiment.model.trax_layers import Convolution
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.storage.sealed import SEAL, manifest
from spacy_trax_sentiment.storage.whole import MANIFEST
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms

pytestmark = pytest.mark.slow

CONFIG = {
    "model": {
        "@architectures": "spacy_trax_sentiment.TraxLayer.v1",
        "preprocessor": {"@misc": "spacy_trax_sentiment.SentimentTerms.v1", "bigram_buckets": 0},
        "layer": {"@misc": "spacy_trax_sentiment.Convolution.v1", "embedding_dim": 8, "filters": 8},
    },
    "pretrained": None,
}
DATA = [
    ("I love it, great", "positive"),
    ("I hate it, awful", "negative"),
    ("good good stuff", "positive"),
    ("bad stuff really", "negative"),
]


@dataclass(frozen=True)
class _Recurrent:
    """A recurrent layer of Trax. Its scores depend on the padding, which is the user's concern."""

    def __call__(self, n_terms: int, n_labels: int, dropout: float) -> Any:
        rest = [tl.Mean(axis=1), tl.Dense(n_labels), tl.LogSoftmax()]
        return tl.Serial(tl.Embedding(n_terms, 6), tl.GRU(6), *rest)


def _blank() -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config=CONFIG)
    return nlp


def _examples(nlp: Language) -> list[Example]:
    return [
        Example.from_dict(
            nlp.make_doc(text), {"cats": {name: float(name == label) for name in ("negative", "positive")}}
        )
        for text, label in DATA
    ]


@pytest.fixture(scope="module")
def convolution() -> Language:
    """A pipeline trained by `nlp.update`. Tests must not change it."""
    spacy.util.fix_random_seed(0)
    nlp = _blank()
    examples = _examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.02
    for _ in range(40):
        nlp.update(examples, sgd=optimizer, drop=0.1)
    return nlp


def test_any_layer_of_trax_learns_the_examples(convolution: Language) -> None:
    for text, label in DATA:
        assert convolution(text).cats[label] > 0.9


def test_a_text_scores_the_same_alone_and_in_a_batch(convolution: Language) -> None:
    texts = ["good", "I hate it, awful " * 9, "", "zzzz", "good good stuff"]
    for doc, text in zip(convolution.pipe(texts), texts, strict=True):
        assert doc.cats == pytest.approx(convolution(text).cats, abs=1e-5)
    assert convolution("zzzz").cats == convolution("").cats


def test_a_pipeline_is_saved_and_pickled(convolution: Language, tmp_path: Path) -> None:
    convolution.to_disk(tmp_path)
    pickled = pickle.loads(pickle.dumps(find_component(convolution)))
    for text, _ in DATA:
        doc = convolution(text)
        assert spacy.load(tmp_path)(text).cats == pytest.approx(doc.cats, abs=1e-6)
        assert _blank().from_bytes(convolution.to_bytes())(text).cats == pytest.approx(doc.cats, abs=1e-6)
        np.testing.assert_allclose(pickled.predict([convolution.make_doc(text)])[0], list(doc.cats.values()), rtol=1e-6)


def test_the_saved_weights_of_another_layer_are_refused(convolution: Language, tmp_path: Path) -> None:
    convolution.to_disk(tmp_path)
    other = {"model": {**CONFIG["model"], "layer": {"@misc": "spacy_trax_sentiment.Convolution.v1", "filters": 9}}}
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config={**other, "pretrained": str(tmp_path)})
    with pytest.raises(SentimentError, match="S045.*filters=9"):
        nlp("good")
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config={"pretrained": str(tmp_path)})
    with pytest.raises(SentimentError, match="S073.*another architecture"):
        nlp("good")


def _model(layer: Callable[..., Any], nlp: Language) -> Model[Any, Any]:
    np.random.seed(0)
    model = TraxLayer(SentimentTerms(bigram_buckets=0), layer)
    model.initialize(X=[nlp.make_doc(text) for text, _ in DATA], Y=np.eye(2, dtype=np.float32)[[0, 1, 0, 1]])
    return model


@pytest.mark.parametrize("layer", [Convolution(8, 8), _Recurrent()], ids=["convolution", "recurrent"])
def test_gradients_equal_finite_differences(layer: Callable[..., Any]) -> None:
    nlp = spacy.blank("en")
    model, docs = _model(layer, nlp), [nlp.make_doc(text) for text, _ in DATA]
    labels = np.eye(2, dtype=np.float32)[[0, 1, 0, 1]]
    rng = np.random.default_rng(0)
    for name in model.param_names:
        model.set_param(name, rng.normal(size=model.get_param(name).shape, scale=0.5).astype(np.float32))
    Y, backprop = model.begin_update(docs)
    backprop(Y - labels)

    def loss() -> float:
        return float(-(labels * np.log(model.begin_update(docs)[0])).sum(dtype=np.float64))

    for name in model.param_names:
        value, gradient = model.get_param(name), model.get_grad(name)
        direction = rng.normal(size=value.shape).astype(np.float32)
        step = np.float32(3e-3)
        model.set_param(name, value + step * direction)
        above = loss()
        model.set_param(name, value - step * direction)
        below = loss()
        model.set_param(name, value)
        assert (above - below) / (2 * step) == pytest.approx(float((gradient * direction).sum()), rel=1e-2, abs=2e-3)


def test_dropout_is_honoured_in_training_only() -> None:
    nlp = spacy.blank("en")
    model, docs = _model(Convolution(8, 32), nlp), [nlp.make_doc(text) for text, _ in DATA]
    predicted = model.predict(docs)
    model.attrs["dropout_rate"] = 0.5
    assert np.abs(model.begin_update(docs)[0] - model.begin_update(docs)[0]).max() > 1e-5
    np.testing.assert_array_equal(model.predict(docs), predicted)


@dataclass(frozen=True)
class _Wrong:
    rest: Callable[[int], list[Any]]

    def __call__(self, n_terms: int, n_labels: int, dropout: float) -> Any:
        return tl.Serial(tl.Embedding(n_terms, 4), *self.rest(n_labels))


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        (lambda n: [tl.BatchNorm(), tl.Mean(axis=1), tl.Dense(n), tl.LogSoftmax()], "S043.*state"),
        (lambda n: [tl.Mean(axis=1), tl.Dense(n)], r"S044.*\(2, 2\)"),
        (lambda n: [tl.Dense(n), tl.LogSoftmax()], r"S044.*\(2, 8, 2\)"),
    ],
    ids=["state", "logits", "no pooling"],
)
def test_layers_that_cannot_be_used_are_refused(rest: Callable[[int], list[Any]], message: str) -> None:
    with pytest.raises(SentimentError, match=message):
        _model(_Wrong(rest), spacy.blank("en"))


def test_a_saved_pipeline_without_a_graph_names_the_extra(convolution: Language, tmp_path: Path) -> None:
    convolution.to_disk(tmp_path)
    directory = tmp_path / "trax_sentiment"
    files = {path.name: path.read_bytes() for path in directory.iterdir() if path.name not in (MANIFEST, GRAPH)}
    (directory / MANIFEST).write_bytes(manifest(files, {}))
    (tmp_path / SEAL).unlink(missing_ok=True)
    code = (
        "import sys\n"
        "sys.modules['trax'] = None\n"
        "import spacy\n"
        "nlp = spacy.load(sys.argv[1])\n"
        "try:\n"
        "    nlp('good')\n"
        "except ImportError as error:\n"
        "    print(error)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "S078" in printed
    assert "pip install '.[train]'" in printed
