"""NLTK's corpora, read from this machine or downloaded on first use. Serving reads none of them."""

from io import StringIO
from typing import Any

from ..errors import Errors, SentimentError


def load_corpus(name: str) -> Any:
    """Return the NLTK corpus reader `name`, such as `stopwords`, or raise SentimentError if it cannot be had."""
    import nltk

    corpus = getattr(nltk.corpus, name)
    try:
        corpus.ensure_loaded()
    except LookupError:
        try:
            nltk.download(name, quiet=True, raise_on_error=True, print_error_to=StringIO())
        except (OSError, ValueError) as error:
            raise SentimentError(Errors.S014.format(name=name, reason=error)) from None
        corpus.ensure_loaded()
    return corpus
