"""Labelled texts, and what training needs of them before ids: labels under one name, all present, and Docs."""

import math
import shlex
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import spacy
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from ..bulk.chunk_tokenizer import tokenized
from ..errors import Errors, SentimentError, reason_of
from ..tables.lines import brief
from ..tables.readers import label_text
from ..text.cleaning import without_surrogates
from ..text.labels import DEFAULT_LABELS, NEUTRAL


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
        spans: For each text the first character of the target that its label is of, and the one after its last; None
            for a text whose label is of the whole. None if there are no targets.
        held_out_spans: The same for the held-out texts.
    """

    labels: Sequence[str]
    texts: Texts
    held_out: Sequence[LabelledText]
    weights: Sequence[float] | None = None
    targets: NDArray[np.float32] | None = None
    held_out_targets: NDArray[np.float32] | None = None
    spans: Sequence[tuple[int, int] | None] | None = None
    held_out_spans: Sequence[tuple[int, int] | None] | None = None


def require_labels(texts: Iterable[LabelledText], labels: Iterable[str]) -> None:
    """Raise SentimentError if a label has no text."""
    found = {text.label for text in texts}
    if not found.issuperset(labels):
        shown = ", ".join(sorted(found)) or "none"
        raise SentimentError(Errors.S012.format(label=shown, labels=", ".join(labels)))


def paired(texts: Sequence[str], labels: Sequence[str | float]) -> list[LabelledText]:
    """Return texts with their labels, numbers as strings; raise SentimentError for any that cannot be used."""
    if isinstance(texts, str):
        raise SentimentError(Errors.S050.format(value=repr(texts[:40])))
    if len(texts) != len(labels):
        raise SentimentError(Errors.S028.format(reason=f"there are {len(labels)} for {len(texts)} texts"))
    pairs = []
    for index, (text, label) in enumerate(zip(texts, labels, strict=True)):
        if not isinstance(text, str):
            raise SentimentError(Errors.S051.format(index=index, value=repr(text)[:40]))
        name = label_text(label)
        if not name:
            raise SentimentError(Errors.S028.format(reason=f"label {index} is {repr(label)[:40]}"))
        pairs.append(LabelledText(without_surrogates(text), name))
    return pairs


def label_key(label: str) -> Any:
    """Return what all spellings of a label have in common: the number that it is, else the label without its case."""
    try:
        number = float(label)
    except ValueError:
        number = math.nan
    return number if math.isfinite(number) else label.casefold()


def ordered(labels: Iterable[str]) -> list[str]:
    """Return the different labels: numbers by their value, then the others by the alphabet."""
    return sorted(set(labels), key=lambda label: (isinstance(label_key(label), str), label_key(label), label))


def matcher(labels: Collection[str]) -> Callable[[str], str]:
    """Return a function from a label to the one of `labels` that it is or spells in another way, or to itself."""
    named = {label_key(name): name for name in reversed([*labels])} | {name: name for name in labels}
    return lambda label: named.get(label) or named.get(label_key(label), label)


def renamed(texts: Iterable[LabelledText], labels: Collection[str]) -> list[LabelledText]:
    """Return texts with their labels spelled as in `labels`; see `matcher`."""
    named = matcher(labels)
    return [text._replace(label=named(text.label)) for text in texts]


def parse_label_map(text: str | None) -> dict[str, str] | None:
    """Return the label for each label of a data set, written as "1,2=negative 3=neutral"; quotes keep blanks."""
    if text is None:
        return None
    try:
        groups = [group.partition("=") for group in shlex.split(text)]
    except ValueError:  # an open quote
        groups = []
    pairs = [(value.strip(), label.strip()) for values, _, label in groups for value in values.split(",")]
    if not pairs or len(dict(pairs)) < len(pairs) or not all(v and label and "=" not in label for v, label in pairs):
        raise SentimentError(Errors.S160.format(value=brief(text)))
    return dict(pairs)


def inferred_labels(found: Iterable[str], most: int = 100) -> list[str]:
    """Return the labels that occur, but the default ones if they are all, or one, or more than `most`; "" is none.

    Spellings of one label are one, named as most often, or as the package names it.
    """
    counts = Counter[str]()
    for label in found:
        counts[label] += 1
        if len(counts) > most:
            return list(DEFAULT_LABELS)
    names = spelled_once(counts)
    return list(DEFAULT_LABELS if len(names) < 2 or set(names) <= set(DEFAULT_LABELS) else names)


def spelled_once(counts: Counter[str]) -> list[str]:
    """Return labels, `ordered`; of several spellings the package's or the most frequent."""
    names = {label_key(label): label for label, _ in reversed(counts.most_common()) if label}
    names |= {own: own for own in (*DEFAULT_LABELS, NEUTRAL) if own in names}
    return ordered(names.values())


def make_docs(texts: Iterable[LabelledText], texts_per_tokenizer: int = 100_000, lang: str = "en") -> Iterator[Doc]:
    """Yield the Docs of texts, tokenized outside the pipeline to be saved, which would otherwise carry all strings.

    A new tokenizer starts after `texts_per_tokenizer`, because each keeps all strings it has seen.
    """
    for i, (text, _) in enumerate(texts):
        if i % texts_per_tokenizer == 0:
            tokenizer: Any = blank(lang).tokenizer
            tokenizer.max_cache_size = texts_per_tokenizer
        yield tokenized(tokenizer, text)


def blank(lang: str) -> Language:
    """Return `spacy.blank(lang)`; raise SentimentError if spaCy does not have the language or what it needs."""
    try:
        return spacy.blank(lang)
    except ImportError as error:  # no such language, or its tokenizer is not installed
        raise SentimentError(Errors.S192.format(value=lang, reason=reason_of(error))) from None
