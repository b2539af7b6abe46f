"""Fixtures: the application of a bundled model, with the default limits and with small ones."""

import pytest
from asking import Ask, asking
from spacy.language import Language

from spacy_trax_sentiment.pipelines import load


@pytest.fixture(scope="module")
def nlp() -> Language:
    return load("en")


@pytest.fixture(scope="module")
def ask(nlp: Language) -> Ask:
    from spacy_trax_sentiment.web.app import make_app

    return asking(make_app(nlp, name="en"))


@pytest.fixture(scope="module")
def ask_small(nlp: Language) -> Ask:
    from spacy_trax_sentiment.web.app import make_app
    from spacy_trax_sentiment.web.limits import Limits

    limits = Limits(
        body_bytes=2_000,
        waiting_bytes=5_000,
        texts=5,
        text_chars=300,
        explained_texts=2,
        explained_chars=100,
        rows=6,
        columns=4,
    )
    return asking(make_app(nlp, limits=limits))
