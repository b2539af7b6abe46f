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
        ("spacy_architectures", "spacy_trax_sentiment.Classifier.v1"),
        ("spacy_architectures", "spacy_trax_sentiment.TraxLayer.v1"),
        ("spacy_misc", "spacy_trax_sentiment.Convolution.v1"),
        ("spacy_misc", "spacy_trax_sentiment.ProcessTweet.v1"),
        ("spacy_misc", "spacy_trax_sentiment.SentimentTerms.v1"),
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


def test_the_base_install_serves_without_trax_jax_and_tensorflow() -> None:
    requirements = [Requirement(line) for line in requires(NAME) or ()]
    base = {r.name for r in requirements if r.marker is None}
    extra = {r.name for r in requirements if r.marker and r.marker.evaluate({"extra": "train"})}
    assert base == {"spacy", "numpy", "nltk", "pydantic", "pystemmer"}
    assert {"trax", "jax", "jaxlib", "tensorflow"} <= extra


def test_the_package_is_typed_and_carries_its_version() -> None:
    assert (files(spacy_trax_sentiment) / "py.typed").is_file()
    assert distribution(NAME).version == spacy_trax_sentiment.__version__


def test_an_install_holds_every_data_file() -> None:
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


def test_the_helps_defaults_are_the_presets() -> None:
    default, seed = PRESETS["default"], PRESETS["seed"]
    assert (default.steps, default.batch_size, default.learning_rate, default.embedding_dim) == (300, 32, 0.01, 32)
    assert (seed.steps, seed.batch_size, seed.learning_rate, seed.embedding_dim, seed.seed) == (100, 16, 0.01, 256, 271)
