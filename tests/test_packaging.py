from configparser import ConfigParser
from importlib.metadata import distribution, entry_points, requires
from importlib.resources import files
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from spacy.util import registry

import spacy_trax_sentiment
from spacy_trax_sentiment.training.settings import PRESETS

NAME = "spacy-trax-sentiment"


@pytest.mark.parametrize(
    ("group", "name"),
    [
        ("console_scripts", "trax-sentiment"),
        ("spacy_factories", "trax_sentiment"),
        ("spacy_factories", "trax_target_sentiment"),
        ("spacy_scorers", "spacy_trax_sentiment.TargetScorer.v1"),
        ("spacy_architectures", "spacy_trax_sentiment.Classifier.v1"),
        ("spacy_architectures", "spacy_trax_sentiment.TraxLayer.v1"),
        ("spacy_architectures", "spacy_trax_sentiment.Encoder.v1"),
        ("spacy_architectures", "spacy_trax_sentiment.Cascade.v1"),
        ("spacy_misc", "spacy_trax_sentiment.Convolution.v1"),
        ("spacy_misc", "spacy_trax_sentiment.ProcessTweet.v1"),
        ("spacy_misc", "spacy_trax_sentiment.SentimentTerms.v1"),
        ("spacy_misc", "spacy_trax_sentiment.UnigramPieces.v1"),
        ("spacy_misc", "spacy_trax_sentiment.WordPieces.v1"),
        ("spacy_readers", "spacy_trax_sentiment.LabelledTexts.v1"),
    ],
)
def test_entry_points_load(group: str, name: str) -> None:
    (entry,) = entry_points(group=group, name=name)
    assert callable(entry.load())


def test_registered_names_are_found_by_spacy() -> None:
    assert registry.architectures.get("spacy_trax_sentiment.Classifier.v1")
    assert registry.misc.get("spacy_trax_sentiment.ProcessTweet.v1")
    assert registry.readers.get("spacy_trax_sentiment.LabelledTexts.v1")


def required(extra: str = "", python_version: str = "3.11") -> set[str]:
    requirements = (Requirement(line) for line in requires(NAME) or ())
    environment = {"extra": extra, "python_version": python_version}
    return {each.name for each in requirements if each.marker is None or each.marker.evaluate(environment)}


def test_only_the_extra_train_brings_trax_jax_and_tensorflow() -> None:
    assert required() == {"spacy", "numpy", "nltk", "pydantic", "pystemmer"}
    assert {"trax", "jax", "jaxlib", "tensorflow", "tensorflow-text"} <= required("train")
    assert not {"trax", "jax", "tensorflow"} & required("test")


def test_any_python_from_3_11_on_may_install_it_and_training_ends_at_3_13() -> None:
    assert distribution(NAME).metadata["Requires-Python"] == ">=3.11"
    assert "trax" in required("train", "3.13")
    assert not {"trax", "tensorflow", "tensorflow-text"} & required("train", "3.14")


def test_the_package_is_typed_and_knows_its_version() -> None:
    assert (files(spacy_trax_sentiment) / "py.typed").is_file()
    assert distribution(NAME).version == spacy_trax_sentiment.__version__


def test_an_install_contains_every_data_file() -> None:
    root = Path(__file__).parents[1]
    setup = ConfigParser()
    setup.read(root / "setup.cfg")
    named = {
        path
        for package, patterns in setup["options.package_data"].items()
        for pattern in patterns.replace(",", " ").split()
        for path in root.joinpath(*package.split(".")).glob(pattern)
    }
    package = root / "spacy_trax_sentiment"
    assert named == {path for path in package.rglob("*.*") if path.suffix not in (".py", ".pyc")}


def test_the_presets_are_as_documented() -> None:
    default, seed = PRESETS["default"], PRESETS["seed"]
    assert (default.steps, default.batch_size, default.learning_rate, default.embedding_dim) == (300, 32, 0.01, 32)
    assert (seed.steps, seed.batch_size, seed.learning_rate, seed.embedding_dim, seed.seed) == (100, 16, 0.01, 256, 271)
