from typing import Any

import numpy as np
import pytest

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.model import Architecture, build_layer, classifier
from spacy_trax_sentiment.model.trax_backend import jax


def _initialized(layer: Any) -> Any:
    layer.init(np.zeros((1, 8), dtype=np.int32), rng=jax.random.PRNGKey(1))
    return layer


def test_classifier_is_the_seeds() -> None:
    assert "".join(str(classifier(9088)).split()) == "Serial[Embedding_9088_256MeanDense_2LogSoftmax]"


def test_the_plain_mean_counts_padding_and_the_masked_mean_does_not() -> None:
    short = np.array([[5, 6, 7, 0, 0, 0, 0, 0]])
    long = np.pad(short, ((0, 0), (0, 8)))
    plain = _initialized(classifier(10, 4))
    assert np.abs(np.asarray(plain(short)) - np.asarray(plain(long))).max() > 1e-3
    masked = _initialized(build_layer(Architecture(10, 2, 4)))
    np.testing.assert_allclose(masked(short), masked(long), atol=1e-6)


def test_an_unknown_mean_is_refused() -> None:
    with pytest.raises(SentimentError, match="S042.*'median'"):
        build_layer(Architecture(10, 2, mean="median"))
