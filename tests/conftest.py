"""Fixtures: corpora that are read from NLTK_DATA, and pipelines that are trained once."""

import os
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec

import pytest
from hypothesis import settings as hypothesis_settings
from spacy.language import Language

from spacy_trax_sentiment.training.corpora import read_labelled_texts, split_held_out
from spacy_trax_sentiment.training.labelled import DEFAULT_LABELS, LabelledText
from spacy_trax_sentiment.training.loop import train
from spacy_trax_sentiment.training.settings import PRESETS

# JAX compiles within an example, so that one can take seconds and the next a millisecond.
hypothesis_settings.register_profile("default", deadline=None)
# For mutmut, by --hypothesis-profile: the same few examples for each mutant.
hypothesis_settings.register_profile("mutation", deadline=None, derandomize=True, database=None, max_examples=20)
hypothesis_settings.load_profile("default")


@pytest.fixture(scope="session")
def require_nltk() -> Callable[[str], None]:
    """Skip the test where an NLTK corpus is absent; fail it where REQUIRE_CORPORA says that they must be there."""

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
) -> tuple[list[LabelledText], list[LabelledText]]:
    """The seed's training and validation tweets."""
    require_nltk("twitter_samples")
    return split_held_out(read_labelled_texts("nltk:twitter_samples"), "nltk:twitter_samples")


@pytest.fixture(scope="session")
def short_texts() -> tuple[list[LabelledText], list[LabelledText]]:
    """The bundled texts, to train on and held out."""
    return split_held_out(read_labelled_texts("bundled:short_texts"), "bundled:short_texts")


@pytest.fixture(scope="session")
def require_trax() -> None:
    """Skip the test in a base install, without the extra `train`."""
    if find_spec("trax") is None:
        pytest.skip("Trax is not installed")


@pytest.fixture(scope="session")
def trained(short_texts: tuple[list[LabelledText], list[LabelledText]], require_trax: None) -> Language:
    """A small pipeline trained by Trax's Loop on the bundled texts. Not to be changed by a test."""
    return train(*short_texts, DEFAULT_LABELS, replace(PRESETS["default"], steps=100, embedding_dim=32)).nlp
