"""Labelled texts, and what training needs of them before ids: all labels present, and Docs."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import spacy
from numpy.typing import NDArray
from spacy.tokens import Doc

from ..errors import Errors, SentimentError

NEGATIVE, NEUTRAL, POSITIVE = "negative", "neutral", "positive"
DEFAULT_LABELS = (NEGATIVE, POSITIVE)


class LabelledText(NamedTuple):
    """A text and the name of its label."""

    text: str
    label: str


class Texts(Protocol):
    """Labelled texts that can be read again and again: a list, or texts that stay in their file."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[LabelledText]: ...


class Corpus(NamedTuple):
    """The texts that a classifier is trained on.

    Attributes:
        labels: The labels, in the order of the columns of the scores.
        texts: The texts to train on, with at least one of each label.
        held_out: The texts to measure on, with at least one of each label.
        weights: How often to draw each text, in proportion; None for all alike. A text of another label is then drawn
            with a random one, which teaches even probabilities.
        targets: The probabilities of the labels for each text, float32 (n_texts, n_labels), with -1 for a label that
            the text's source does not know: such a text teaches only the odds of the others. None if the texts' own
            labels say it all.
        held_out_targets: The same for the held-out texts.
    """

    labels: Sequence[str]
    texts: Texts
    held_out: Sequence[LabelledText]
    weights: Sequence[float] | None = None
    targets: NDArray[np.float32] | None = None
    held_out_targets: NDArray[np.float32] | None = None


def require_labels(texts: Iterable[LabelledText], labels: Iterable[str]) -> None:
    """Raise SentimentError if a label has no text."""
    found = {text.label for text in texts}
    if not found.issuperset(labels):
        shown = ", ".join(sorted(found)) or "none"
        raise SentimentError(Errors.S012.format(label=shown, labels=", ".join(labels)))


def make_docs(texts: Iterable[LabelledText], texts_per_tokenizer: int = 100_000) -> Iterator[Doc]:
    """Yield the Docs of texts, tokenized outside the pipeline to be saved, which would otherwise carry all strings.

    A new tokenizer starts after `texts_per_tokenizer`, because each keeps all strings it has seen.
    """
    for i, (text, _) in enumerate(texts):
        if i % texts_per_tokenizer == 0:
            tokenizer: Any = spacy.blank("en").tokenizer
            tokenizer.max_cache_size = texts_per_tokenizer
        yield tokenizer(text)
