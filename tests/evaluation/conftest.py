"""A pipeline with its evaluation on held-out texts."""

from typing import NamedTuple

import pytest
from spacy.language import Language

from spacy_trax_sentiment.evaluation.figures import Evaluation, measure
from spacy_trax_sentiment.training.labelled import LabelledText
from spacy_trax_sentiment.training.progress import Progress

HOSTILE = "<script>alert(1)</script> & I love it"


class Measured(NamedTuple):
    nlp: Language
    evaluation: Evaluation
    history: list[Progress]


@pytest.fixture(scope="session")
def measured(bundled: Language, short_texts: tuple[list[LabelledText], list[LabelledText]]) -> Measured:
    """The held-out texts, and one with HTML whose label is wrong, so that it is among the errors."""
    texts = [*short_texts[1], LabelledText(HOSTILE, "negative")]
    history = [Progress(1, 0.69, 0.69, 0.5), Progress(10, 0.4, 0.5, 0.7), Progress(20, 0.1, 0.2, 0.9)]
    return Measured(bundled, measure(bundled, ["negative", "positive"], texts), history)
