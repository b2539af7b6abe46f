"""NLTK's corpora, read from this machine or downloaded on first use. Serving reads none of them."""

from typing import Any

from ..errors import Errors, SentimentError


def load_corpus(name: str) -> Any:
    """RETURNS: The NLTK corpus reader `name`, such as `stopwords`, ready to read.

    Raises SentimentError where the corpus is neither on NLTK's path nor can be downloaded.
    """
    import nltk

    corpus = getattr(nltk.corpus, name)
    try:
        corpus.ensure_loaded()
    except LookupError:
        if not nltk.download(name, quiet=True):
            raise SentimentError(Errors.S014.format(name=name)) from None
        corpus.ensure_loaded()
    return corpus
