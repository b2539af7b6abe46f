"""Read labelled texts from JSONL, CSV, TSV, Parquet and Excel, from NLTK's `twitter_samples` and from the package."""

import logging
import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.resources import as_file, files
from itertools import chain
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.training import Example

from ..errors import Errors, SentimentError, errors_at
from ..tables.lines import brief
from ..tables.readers import labelled_rows
from ..tables.sources import Source
from ..text.labels import DEFAULT_LABELS, NEGATIVE, POSITIVE
from ..text.nltk_data import load_corpus
from .composition import PLAIN_KINDS, composition_texts
from .labelled import Corpus, LabelledText, inferred_labels, matcher, renamed, require_labels, spelled_once
from .stored import StoredTexts
from .templates import template_texts

HELD_OUT_FRACTION = 0.2

logger = logging.getLogger(__name__)


class LabelledTexts:
    """The labelled texts of a source, read anew at each iteration.

    Registered as the reader `spacy_trax_sentiment.LabelledTexts.v1`: called with a pipeline, it yields one Example per
    text for `spacy train`, with `cats` of 1.0 for the text's label and 0.0 for all others. Rows of JSON whose `answer`
    is "reject" or "ignore", as Prodigy writes it, are left out; the first iteration logs how many.

    Args:
        source: Path of a .jsonl, .ndjson, .json, .csv, .tsv, .parquet or .xlsx file; `nltk:twitter_samples`, or its
            two parts, `nltk:twitter_samples/train` and `nltk:twitter_samples/dev`; `bundled:short_texts`; or
            `bundled:templates`, `bundled:composition` or `bundled:plain_composition`, which have neutral texts too. A
            config may leave it null and set it on the command line.
        text_column: Column of a file that holds the text.
        label_column: Column of a file that holds the label.
        labels: The labels that may occur in a file, in any case; None for any.
        label_map: The label for each of those in the file, such as {"1": "negative"}; None to take them as they are.
        encoding: The encoding of a file of text; None for UTF-8.

    Raises:
        SentimentError: The source cannot be read, holds no text, lacks a column or has an unexpected label. It names
            the file and line, and is raised during iteration.
    """

    def __init__(
        self,
        source: str | Path | None,
        text_column: str = "text",
        label_column: str = "label",
        labels: Sequence[str] | None = None,
        label_map: Mapping[str, str] | None = None,
        encoding: str | None = None,
    ) -> None:
        self.source, self.labels, self.label_map, self._n_logged = source, labels, label_map, 0
        self._options: Any = {"text_column": text_column, "label_column": label_column, "encoding": encoding}

    def __iter__(self) -> Iterator[LabelledText]:
        if self.source is None:
            raise SentimentError(Errors.S017)
        source = str(self.source)
        is_named = source.startswith(("nltk:", "bundled:"))
        in_map, matched = matcher(self.label_map or ()), matcher(self.labels or ())
        for place, (text, label) in _named_rows(source) if is_named else self._file_rows(Path(source)):
            if self.label_map is not None and in_map(label) not in self.label_map:
                with errors_at(place):
                    raise SentimentError(Errors.S161.format(value=brief(label), known=", ".join(self.label_map)))
            label = matched(label if self.label_map is None else self.label_map[in_map(label)])
            if self.labels is not None and label not in self.labels:
                with errors_at(place):
                    raise SentimentError(Errors.S008.format(value=brief(label), labels=", ".join(self.labels)))
            yield LabelledText(text, label)

    def __call__(self, nlp: Language) -> Iterator[Example]:
        texts = list(self)
        labels = self.labels or spelled_once(Counter(text.label for text in texts))
        for text, label in renamed(texts, labels):
            yield Example.from_dict(nlp.make_doc(text), {"cats": {each: float(each == label) for each in labels}})

    def _file_rows(self, path: Path) -> Iterator[tuple[str, LabelledText]]:
        if not path.exists():
            raise SentimentError(Errors.S001.format(path=path))
        n_texts = n_left_out = 0
        for line, text, label in labelled_rows(path, **self._options):
            n_texts, n_left_out = n_texts + (label is not None), n_left_out + (label is None)
            if label is not None:
                yield Source(str(path)).place(line), LabelledText(text, label)
        if n_left_out > self._n_logged:
            logger.warning("%s: left out %d rows with the answer reject or ignore.", path, n_left_out)
            self._n_logged = n_left_out
        if not n_texts:
            raise SentimentError(Errors.S003.format(path=path))


def read_labelled_texts(source: str | Path, *, labels: Any = DEFAULT_LABELS, **options: Any) -> list[LabelledText]:
    """Return all texts of a source, in its order. The arguments and errors are those of `LabelledTexts`."""
    return list(LabelledTexts(source, labels=labels, **options))


def read_corpus(
    source: str,
    dev: str | None = None,
    *,
    labels: Sequence[str] | None = None,
    most_bytes_in_memory: int = 1 << 26,
    **options: Any,
) -> Corpus:
    """Read the texts to train on and those to hold out: of `dev`, or the last fifth of each label's texts in `source`.

    Without `labels` they are those of the source. Held-out texts that are training texts, too, are left out. The texts
    of a file larger than `most_bytes_in_memory` stay in it, as `StoredTexts`: lists of texts and ids take about ten
    times the file's size. The options are those of `LabelledTexts`.

    Raises:
        SentimentError: As in `LabelledTexts`; or a label has too few texts; or all its texts in `dev` are training
            texts.
    """
    reader = LabelledTexts(source, labels=labels, **options)
    if labels is None:
        reader.labels = labels = inferred_labels(text.label for text in reader)
    is_large = os.path.isfile(source) and os.path.getsize(source) > most_bytes_in_memory
    texts: list[LabelledText] | StoredTexts = StoredTexts(reader) if is_large else list(reader)
    with errors_at(source):
        require_labels(texts, labels)
        if dev is None:
            split = split_stored(texts) if isinstance(texts, StoredTexts) else split_held_out(texts)
            return Corpus(tuple(labels), split[0], without_leaks(*split))
    held_out = read_labelled_texts(dev, labels=labels, **options)
    with errors_at(dev):
        require_labels(held_out, labels)
        return Corpus(tuple(labels), texts, without_leaks(texts, held_out, may_leak=False))


def split_held_out(texts: Iterable[LabelledText]) -> tuple[list[LabelledText], list[LabelledText]]:
    """Return the texts to train on, and the last fifth of each label's texts. Both are grouped by label.

    For `nltk:twitter_samples` this is the seed's split. A label with too few texts raises SentimentError.
    """
    of_label: dict[str, list[LabelledText]] = {}
    for text in texts:
        of_label.setdefault(text.label, []).append(text)
    n_held_out = _n_held_out({label: len(group) for label, group in of_label.items()})
    train = [text for label, group in of_label.items() for text in group[: -n_held_out[label]]]
    return train, [text for label, group in of_label.items() for text in group[-n_held_out[label] :]]


def split_stored(texts: StoredTexts, most: int = 10_000) -> tuple[StoredTexts, list[LabelledText]]:
    """Like `split_held_out`, but leave the texts to train on in their file, and hold out at most `most` per label.

    With 10,000, the 95% interval of an accuracy is within one point.
    """
    n_held_out = _n_held_out(texts.counts, most)
    last = {label: deque[LabelledText](maxlen=n) for label, n in n_held_out.items()}
    for text in texts:
        last[text.label].append(text)
    return StoredTexts(texts, texts.counts - n_held_out), list(chain.from_iterable(last.values()))


def without_leaks(
    texts: Iterable[LabelledText], held_out: Sequence[LabelledText], *, may_leak: bool = True
) -> list[LabelledText]:
    """Return the held-out texts that are no training texts, but for outer white space, and log how many are.

    If a label would have none left, all are kept, or SentimentError is raised unless they `may_leak`.
    """
    # RAM holds no more texts than before: a training text is looked up among the held-out ones as it is read.
    wanted = {text.text.strip() for text in held_out}
    leaked = {stripped for text in texts if (stripped := text.text.strip()) in wanted}
    clean = [text for text in held_out if text.text.strip() not in leaked]
    lost = {text.label for text in held_out}.difference(text.label for text in clean)
    if lost and not may_leak:
        raise SentimentError(Errors.S162.format(label=min(lost)))
    if leaked:
        done = "kept, because a label would have none left: the figures are too good" if lost else "left out"
        n_leaked = len(held_out) - len(clean)
        logger.warning("%d of %d held-out texts are training texts, too. They are %s.", n_leaked, len(held_out), done)
    return list(held_out) if lost else clean


def _n_held_out(counts: Mapping[str, int], most: int | None = None) -> Counter[str]:
    held_out = Counter({label: min(int(n * HELD_OUT_FRACTION), most or n) for label, n in counts.items()})
    for label, n in held_out.items():
        if not n:
            raise SentimentError(Errors.S015.format(label=label, needed=round(1 / HELD_OUT_FRACTION)))
    return held_out


def _twitter_samples() -> list[LabelledText]:
    """Return NLTK's 5,000 positive and then 5,000 negative tweets, in their order."""
    corpus = load_corpus("twitter_samples")
    return [
        LabelledText(tweet, label) for label in (POSITIVE, NEGATIVE) for tweet in corpus.strings(f"{label}_tweets.json")
    ]


def _short_texts() -> list[LabelledText]:
    """Return the short texts that were written for this package, half of them positive."""
    with as_file(files("spacy_trax_sentiment.samples") / "short_texts.jsonl") as path:
        return read_labelled_texts(path)


_NAMED_SOURCES: dict[str, Callable[[], list[LabelledText]]] = {
    "nltk:twitter_samples": _twitter_samples,
    "nltk:twitter_samples/train": lambda: split_held_out(_twitter_samples())[0],
    "nltk:twitter_samples/dev": lambda: split_held_out(_twitter_samples())[1],
    "bundled:short_texts": _short_texts,
    "bundled:templates": template_texts,
    "bundled:composition": composition_texts,
    "bundled:plain_composition": lambda: composition_texts(kinds=PLAIN_KINDS),
}


def _named_rows(source: str) -> Iterator[tuple[str, LabelledText]]:
    if source not in _NAMED_SOURCES:
        raise SentimentError(Errors.S013.format(source=source, sources=", ".join(_NAMED_SOURCES)))
    return ((source, text) for text in _NAMED_SOURCES[source]())
