"""Serve VADER at the endpoint of `trax-sentiment serve`, with the same server, parsing and form of the answer."""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from spacy_trax_sentiment.pipelines import load
from spacy_trax_sentiment.web.answers import Answering
from spacy_trax_sentiment.web.app import make_app
from spacy_trax_sentiment.web.server import listen, make_server, url_of

analyzer = SentimentIntensityAnalyzer()


def vader_scores(_: Answering, texts: Sequence[str]) -> NDArray[np.float32]:
    """Return VADER's compound scores (-1 to 1) as if they were probabilities, float32 (n_texts, 2)."""
    positive = [(analyzer.polarity_scores(text)["compound"] + 1) / 2 for text in texts]
    return np.array([[1 - p, p] for p in positive], dtype=np.float32).reshape(-1, 2)


setattr(Answering, "scores", vader_scores)  # noqa: B010 (its type is no method's)

with suppress(KeyboardInterrupt), listen("127.0.0.1", 0) as listener:
    print(f"Serving VADER at {url_of(listener, '127.0.0.1')} (Ctrl-C ends it).", flush=True)
    make_server(make_app(load("en"))).run(sockets=[listener])
