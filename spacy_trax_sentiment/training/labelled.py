"""TODO."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import spacy
from spacy.tokens import Doc

from ..errors import Errors, SentimentError

NEGATIVE, NEUTRAL, POSITIVE = "negative", "neutral", "positive"


DEFAULT_LABELS = (NEGATIVE, POSITIVE)


_TEXTS_A_PIPELINE = 100_000


class LabelledText(NamedTuple):
    text: str
    label: str


def make_docs(texts: Iterable[LabelledText]) -> Iterator[Doc]:
    """YIELDS: A Doc of each text.

    By pipelines of their own, or the one that is saved would carry every string of the training texts, and load slower;
    and by a new one now and then, as it keeps all strings as long as it is there.
    """
    for i, (text, _) in enumerate(texts):
        if i % _TEXTS_A_PIPELINE == 0:
            tokenizer: Any = spacy.blank("en").tokenizer
            tokenizer.max_cache_size = _TEXTS_A_PIPELINE
        yield tokenizer(text)


def require_labels(texts: Iterable[LabelledText], labels: Collection[str], source: str | Path) -> None:
    """Raises SentimentError, naming the source, where one of the labels has no text."""
    found = {text.label for text in texts}
    if not found.issuperset(labels):
        shown = ", ".join(sorted(found)) or "none"
        raise SentimentError(Errors.S012.format(path=source, label=shown, labels=", ".join(labels)))
