from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import spacy
from thinc.api import Model

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.explanation.integrated_gradients import COMPLETENESS, integrated_gradients
from spacy_trax_sentiment.model.custom_layer import TraxLayer
from spacy_trax_sentiment.model.inputs import docs_to_ids
from spacy_trax_sentiment.model.trax_backend import fastmath, tl
from spacy_trax_sentiment.model.trax_layers import Convolution
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms

pytestmark = pytest.mark.slow

TEXTS = ["good day", "bad bad day", "not a good thing, but nice"]


@dataclass(frozen=True)
class _Layer:
    """A layer that begins with the given layers, from ids (n_texts, length) to (n_texts, length, 4)."""

    first: Callable[[int], list[Any]]

    def __call__(self, n_terms: int, n_labels: int, dropout: float) -> Any:
        return tl.Serial(*self.first(n_terms), tl.Mean(axis=1), tl.Dense(n_labels), tl.LogSoftmax())


def _model(layer: Any) -> Model[Any, Any]:
    np.random.seed(0)
    nlp = spacy.blank("en")
    model = TraxLayer(SentimentTerms(bigram_buckets=0), layer)
    model.initialize(X=[nlp.make_doc(text) for text in TEXTS], Y=np.eye(3, dtype=np.float32))
    return model


def test_contributions_sum_to_the_scores_and_unknown_terms_have_none() -> None:
    model, doc = _model(Convolution(8, 8)), spacy.blank("en")("a good zzzz day")
    (ids,) = docs_to_ids(model, [doc])
    contributions, bias = integrated_gradients(model, ids)
    log_probabilities = np.log(model.predict([doc])[0])
    expected = log_probabilities - log_probabilities.mean()
    np.testing.assert_allclose(contributions.sum(axis=0) + bias, expected, atol=1e-5)
    assert contributions.shape == (len(ids), 3)
    assert (contributions[ids < 3] == 0).all()
    assert np.abs(contributions).max() > COMPLETENESS


def test_a_layer_without_an_embedding_is_refused() -> None:
    def digits(ids: Any) -> Any:
        return (ids[..., None] % np.array([2, 3, 5, 7])).astype(np.float32)

    model = _model(_Layer(lambda n_terms: [tl.Fn("Digits", digits)]))
    with pytest.raises(SentimentError, match=r"S046.*_Layer.*no embedding"):
        integrated_gradients(model, np.array([3, 4]))


def test_a_layer_with_a_jump_is_refused() -> None:
    """The gradient of a sign is zero, so that no number of steps finds what the terms contribute."""
    signs = [tl.Fn("Signs", lambda x: fastmath.numpy.sign(x))]
    model = _model(_Layer(lambda n_terms: [tl.Embedding(n_terms, 4), *signs]))
    with pytest.raises(SentimentError, match=r"S047.*_Layer.*2048 steps.*contributions"):
        integrated_gradients(model, np.array([3, 4, 5]))
