"""The split into quick and slow tests, and fixtures: corpora read from NLTK_DATA, and pipelines made once.

A test is slow if it is in one of SLOW_FOLDERS, uses one of SLOW_FIXTURES, or is marked `slow`. Fixtures import what
only some tests need, so that the quick ones start quickly.
"""

import os
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings as hypothesis_settings
from spacy.language import Language

if TYPE_CHECKING:
    from spacy_trax_sentiment.training.labelled import LabelledText

# They need a browser, tools of the extra `dev`, minutes, Ray and Java, and Trax.
SLOW_FOLDERS = ("browser", "docs", "fuzz", "scale", "spacy_suite")
SLOW_FIXTURES = {"require_nltk", "require_trax"}

# A single example can take seconds, because JAX compiles on first use.
hypothesis_settings.register_profile("default", deadline=None)
# With --hypothesis-profile: fewer examples, for .ci/run, which must end in time; and the same few ones each time, for
# mutmut, and for tests that also run with something else installed.
hypothesis_settings.register_profile("ci", deadline=None, database=None, max_examples=40)
hypothesis_settings.register_profile("mutation", deadline=None, derandomize=True, database=None, max_examples=20)
hypothesis_settings.register_profile("again", deadline=None, derandomize=True, database=None, max_examples=5)
hypothesis_settings.load_profile("default")


def pytest_configure(config: pytest.Config) -> None:
    """Let all tests of a run, and the processes that they start, share what XLA has compiled, in little time.

    Most code runs a few times only, so that optimizing it takes longer than it saves.
    """
    os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        directory = tempfile.TemporaryDirectory(prefix="jax-cache-", ignore_cleanup_errors=True)
        config.add_cleanup(directory.cleanup)
        os.environ["JAX_COMPILATION_CACHE_DIR"] = directory.name
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """If only quick tests are asked for, do not even import files in which all are slow: that alone takes long."""
    if config.option.markexpr != "not slow" or collection_path.suffix != ".py":
        return None
    return in_slow_folder(collection_path) or "\npytestmark = pytest.mark.slow\n" in collection_path.read_text() or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if in_slow_folder(item.path) or SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")


def in_slow_folder(path: Path) -> bool:
    return path.relative_to(Path(__file__).parent).parts[0] in SLOW_FOLDERS


@pytest.fixture(scope="session")
def require_nltk() -> Callable[[str], None]:
    """Skip the test if an NLTK corpus is missing, or fail it if REQUIRE_CORPORA is set."""

    def require(name: str) -> None:
        import nltk

        try:
            nltk.data.find(f"corpora/{name}")
        except LookupError:
            reason = f"NLTK's corpus '{name}' is not on NLTK_DATA"
            if os.environ.get("REQUIRE_CORPORA"):
                pytest.fail(reason)
            pytest.skip(reason)

    return require


@pytest.fixture(scope="session")
def stop_words_corpus(require_nltk: Callable[[str], None]) -> None:
    require_nltk("stopwords")


@pytest.fixture(scope="session")
def tweets(
    require_nltk: Callable[[str], None], stop_words_corpus: None
) -> "tuple[list[LabelledText], list[LabelledText]]":
    """The seed's training and validation tweets."""
    from spacy_trax_sentiment.training.corpora import read_labelled_texts, split_held_out

    require_nltk("twitter_samples")
    return split_held_out(read_labelled_texts("nltk:twitter_samples"))


@pytest.fixture(scope="session")
def short_texts() -> "tuple[list[LabelledText], list[LabelledText]]":
    """The bundled texts: those to train on, and those held out."""
    from spacy_trax_sentiment.training.corpora import read_labelled_texts, split_held_out

    return split_held_out(read_labelled_texts("bundled:short_texts"))


@pytest.fixture(scope="session")
def bundled() -> Language:
    """A pipeline with the bundled weights of two labels. Tests must not change it."""
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment")
    return nlp


@pytest.fixture(scope="session")
def require_trax() -> None:
    """Skip the test if Trax is not installed."""
    if find_spec("trax") is None:
        pytest.skip("Trax is not installed")


@pytest.fixture(scope="session")
def trained(short_texts: "tuple[list[LabelledText], list[LabelledText]]", require_trax: None) -> Language:
    """A small pipeline that Trax's Loop trained on the bundled texts. Tests must not change it."""
    from spacy_trax_sentiment.text.labels import DEFAULT_LABELS
    from spacy_trax_sentiment.training.labelled import Corpus
    from spacy_trax_sentiment.training.run import train_on
    from spacy_trax_sentiment.training.settings import Settings

    return train_on(Corpus(DEFAULT_LABELS, *short_texts), Settings(steps=100)).nlp


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT with two blocks: the directory of its `model.safetensors` and `vocab.txt`."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = "good bad not film the was it love hate great awful smile sad face http user".split()
    special = ["[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [*special, *"@!.,/'", *"0123456789", *letters, *(f"##{letter}" for letter in letters), *words, "стол"]
    directory = tmp_path_factory.mktemp("bert")
    _write_bert(directory, len(pieces))
    (directory / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    return directory


@pytest.fixture(scope="session")
def tiny_multilingual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT like `tiny_bert` with pieces of five scripts: its `model.safetensors` and `tokenizer.json`."""
    import json

    import numpy as np

    words = "gut schlecht film not good хорошо плохо фильм جيد سيئ فيلم अच्छा बुरा फिल्म 好 坏 电影".split()
    parts = [*dict.fromkeys("".join(words)), *"nu123!.,", "gu", "ech", "хор", "وف", "अच्छ", "电影"]
    scores = np.random.default_rng(1).uniform(-12, -3, 300).round(4).tolist()
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "\u2581", *dict.fromkeys([*parts, *(f"\u2581{w}" for w in words)])]
    special = dict.fromkeys(pieces[:4], 0.0)
    vocabulary = [[piece, special.get(piece, score)] for piece, score in zip(pieces, scores, strict=False)]
    directory = tmp_path_factory.mktemp("multilingual")
    _write_bert(directory, len(vocabulary) + 3)  # such encoders have rows to spare
    model = {"type": "Unigram", "unk_id": 3, "vocab": [*vocabulary, ["<mask>", 0.0]]}
    (directory / "tokenizer.json").write_text(json.dumps({"version": "1.0", "model": model}), encoding="utf-8")
    return directory


def _write_bert(directory: Path, n_rows: int) -> None:
    """Write the `model.safetensors` of a random BERT with two blocks and rows for so many pieces."""
    import json

    import numpy as np

    width, wide, n_positions = 8, 12, 20
    rng = np.random.default_rng(0)
    shapes = {
        f"embeddings.{name}_embeddings.weight": (n, width)
        for name, n in (("word", n_rows), ("position", n_positions), ("token_type", 2))
    }
    dense = {"attention.self.query": (width, width), "attention.self.key": (width, width)}
    dense |= {"attention.self.value": (width, width), "attention.output.dense": (width, width)}
    dense |= {"intermediate.dense": (wide, width), "output.dense": (width, wide)}
    norms = ["embeddings.LayerNorm"]
    for i in range(2):
        norms += [f"encoder.layer.{i}.{name}.LayerNorm" for name in ("attention.output", "output")]
        for name, (units, inputs) in dense.items():
            shapes[f"encoder.layer.{i}.{name}.weight"] = units, inputs
            shapes[f"encoder.layer.{i}.{name}.bias"] = (units,)
    for name in norms:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (width,)
    arrays = {name: rng.normal(0, 0.5, shape).astype("<f4") for name, shape in shapes.items()}
    header, data = {}, b""
    for name, array in arrays.items():
        end = len(data) + array.nbytes
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [len(data), end]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    (directory / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)


@pytest.fixture(scope="session")
def tiny_encoder(tiny_bert: Path) -> dict[str, object]:
    """The configuration of an encoder that starts from `tiny_bert`."""
    return {
        "@architectures": "spacy_trax_sentiment.Encoder.v1",
        "width": 8,
        "n_blocks": 2,
        "n_heads": 2,
        "feed_forward_width": 12,
        "max_length": 20,
        "start": str(tiny_bert / "model.safetensors"),
        "preprocessor": {
            "@misc": "spacy_trax_sentiment.WordPieces.v1",
            "vocabulary": str(tiny_bert / "vocab.txt"),
            "max_pieces": 16,
        },
    }


@pytest.fixture(scope="session")
def tiny_targets(tiny_encoder: dict[str, object], require_trax: None) -> Language:
    """A small encoder that Trax's Loop trained on texts and on targets in them. Tests must not change it."""
    import numpy as np

    from spacy_trax_sentiment.training.labelled import Corpus, LabelledText
    from spacy_trax_sentiment.training.run import train_on
    from spacy_trax_sentiment.training.settings import Settings

    words = {"good": "positive", "great": "positive", "bad": "negative", "awful": "negative"}
    texts, spans = [], []
    for first, of_first in words.items():
        texts.append(LabelledText(f"{first} film", of_first))
        spans.append(None)
        for second, of_second in words.items():
            text = f"{first} film, {second} smile"
            for target, label in (("film", of_first), ("smile", of_second)):
                texts.append(LabelledText(text, label))
                spans.append((text.index(target), text.index(target) + len(target)))
    labels = ["negative", "neutral", "positive"]
    targets = np.array([np.eye(3)[labels.index(text.label)] for text in texts], dtype=np.float32)
    corpus = Corpus(labels, texts, texts, None, targets, targets, spans, spans)
    model = {**tiny_encoder, "width": 16, "frozen_embedding": False, "start": None}
    settings = Settings(
        steps=300, batch_size=16, ids_per_batch=256, learning_rate=0.003, decay=True, clip_grad_norm=1.0,
        balanced=False, model=model, weight_decay=0.0, evaluate_every=300,
    )  # fmt: skip
    return train_on(corpus, settings).nlp
