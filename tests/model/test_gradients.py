"""The gradient by `jax.vjp` against finite differences of the same classifier written in NumPy, in float64."""

from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from spacy_trax_sentiment.model.inputs import docs_to_ids
from spacy_trax_sentiment.model.parameters import get_weights
from spacy_trax_sentiment.model.thinc_model import Classifier
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms
from spacy_trax_sentiment.text.vocabulary import N_SPECIAL

pytestmark = pytest.mark.slow

Weights = dict[str, NDArray[np.float64]]
TEXTS = ("good day", "not a bad bad day", "what a good good thing, but no", "nothing at all", "zzz", "")


def _loss(weights: Weights, ids: list[list[int]], labels: NDArray[Any]) -> float:
    known = [[i for i in text if i >= N_SPECIAL] for text in ids]
    zero = np.zeros(weights["E"].shape[1])
    x = np.stack([weights["E"][text].mean(axis=0) if text else zero for text in known])
    if "W_hidden" in weights:
        x = np.maximum(x @ weights["W_hidden"] + weights["b_hidden"], 0)
    logits = x @ weights["W"] + weights["b"]
    return float(-(labels * (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))).sum())


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.sampled_from([0, 3]), st.sampled_from([0, 16]))
def test_gradients_equal_finite_differences(seed: int, n_labels: int, hidden_width: int, buckets: int) -> None:
    rng = np.random.default_rng(seed)
    nlp = spacy.blank("en")
    docs = [nlp.make_doc(text) for text in TEXTS]
    labels = np.eye(n_labels, dtype=np.float32)[rng.integers(0, n_labels, len(docs))]
    model = Classifier(SentimentTerms(bigram_buckets=buckets), embedding_dim=4, hidden_width=hidden_width)
    model.initialize(X=docs[:4], Y=labels)
    for name, value in get_weights(model).items():
        model.set_param(name, rng.normal(size=value.shape).astype(np.float32))
    Y, backprop = model.begin_update(docs)
    backprop(Y - labels)

    weights = {name: value.astype(np.float64) for name, value in get_weights(model).items()}
    ids = list(docs_to_ids(model, docs))
    step = 1e-6
    for name, value in weights.items():
        gradient = np.asarray(model.get_grad(name))
        direction = gradient / (np.linalg.norm(gradient) or 1) + 0.1 * rng.normal(size=value.shape)
        above, below = (_loss({**weights, name: value + sign * step * direction}, ids, labels) for sign in (1, -1))
        difference = (above - below) / (2 * step)
        assert float((gradient * direction).sum()) == pytest.approx(difference, rel=1e-3, abs=1e-5)
