"""Sources of labelled texts: JSONL, CSV, TSV and Parquet, NLTK's `twitter_samples`, the corpus that the package has."""

from collections.abc import Callable, Collection, Iterable, Iterator
from importlib.resources import as_file, files
from pathlib import Path

from spacy.language import Language
from spacy.training import Example

from ..errors import Errors, SentimentError
from ..tables.lines import brief
from ..tables.readers import labelled_rows
from ..text.nltk_data import load_corpus
from .labelled import DEFAULT_LABELS, NEGATIVE, POSITIVE, LabelledText

HELD_OUT_SHARE = 0.2


def read_labelled_texts(
    source: str | Path,
    *,
    labels: Collection[str] | None = DEFAULT_LABELS,
    text_column: str = "text",
    label_column: str = "label",
) -> list[LabelledText]:
    """Read a whole source of labelled texts.

    source: A path that ends in .jsonl, .csv, .tsv or .parquet; or `nltk:twitter_samples`, or one of its two parts as
        the seed splits it, `nltk:twitter_samples/train` and `nltk:twitter_samples/dev`; or `bundled:short_texts`,
        or `bundled:templates`, which has neutral texts too.
    labels: The labels that may occur; None means any.
    text_column, label_column: The fields of a file that hold them.
    RETURNS: The texts in the source's order.

    Raises SentimentError, naming file and line, where the source cannot be read, holds no text, lacks a field or has
    a label that is not among `labels`.
    """
    return list(iter_labelled_texts(source, labels=labels, text_column=text_column, label_column=label_column))


def iter_labelled_texts(
    source: str | Path,
    *,
    labels: Collection[str] | None = DEFAULT_LABELS,
    text_column: str = "text",
    label_column: str = "label",
) -> Iterator[LabelledText]:
    """As `read_labelled_texts`, one after the other.

    RETURNS: An iterator, which raises what is wrong when it gets there.
    """
    source = str(source)
    prefix, colon, name = source.partition(":")
    if colon and prefix in _NAMED_SOURCES:
        if name not in _NAMED_SOURCES[prefix]:
            known = ", ".join(f"{p}:{n}" for p, names in _NAMED_SOURCES.items() for n in names)
            raise SentimentError(Errors.S013.format(source=source, sources=known))
        return iter(_NAMED_SOURCES[prefix][name]())
    return _read_file(Path(source), labels, text_column, label_column)


def LabelledTexts(  # noqa: N802 (named as it is registered)
    source: str | Path | None,
    text_column: str = "text",
    label_column: str = "label",
    labels: list[str] | None = None,
) -> Callable[[Language], Iterable[Example]]:
    """Read a corpus for `spacy train`. Registered as the reader `spacy_trax_sentiment.LabelledTexts.v1`.

    source, text_column, label_column: As in `read_labelled_texts`. A config may leave the source at null, to be set on
        the command line.
    labels: The labels that may occur; None means those of the source.
    RETURNS: A function of the pipeline that yields one Example a text, with `cats` of 1.0 for its label and 0.0 for
        every other.
    """

    def read_examples(nlp: Language) -> Iterator[Example]:
        if source is None:
            raise SentimentError(Errors.S017)
        texts = read_labelled_texts(source, labels=labels, text_column=text_column, label_column=label_column)
        names = labels or sorted({text.label for text in texts})
        for text, label in texts:
            yield Example.from_dict(nlp.make_doc(text), {"cats": {name: float(name == label) for name in names}})

    return read_examples


def split_held_out(texts: Iterable[LabelledText], source: str) -> tuple[list[LabelledText], list[LabelledText]]:
    """Hold out the last fifth of each label's texts: of `nltk:twitter_samples`, that is the seed's split.

    RETURNS: The texts to train on and those held out, each in their order.

    Raises SentimentError where a label has too few texts for that.
    """
    of_label: dict[str, list[LabelledText]] = {}
    for text in texts:
        of_label.setdefault(text.label, []).append(text)
    train, held_out = [], []
    for label, group in of_label.items():
        n_held_out = int(len(group) * HELD_OUT_SHARE)
        if not n_held_out:
            needed = round(1 / HELD_OUT_SHARE)
            raise SentimentError(Errors.S015.format(source=source, label=label, needed=needed))
        train += group[:-n_held_out]
        held_out += group[-n_held_out:]
    return train, held_out


def twitter_samples() -> list[LabelledText]:
    """RETURNS: NLTK's 5,000 positive and then 5,000 negative tweets, in their order."""
    corpus = load_corpus("twitter_samples")
    return [
        LabelledText(tweet, label) for label in (POSITIVE, NEGATIVE) for tweet in corpus.strings(f"{label}_tweets.json")
    ]


def short_texts() -> list[LabelledText]:
    """RETURNS: The short texts, half of them positive, that were written for this package."""
    with as_file(files("spacy_trax_sentiment.samples") / "short_texts.jsonl") as path:
        return list(_read_file(path, DEFAULT_LABELS, "text", "label"))


def _template_texts() -> list[LabelledText]:
    from .templates import template_texts

    return template_texts()


_NAMED_SOURCES: dict[str, dict[str, Callable[[], list[LabelledText]]]] = {
    "nltk": {
        "twitter_samples": twitter_samples,
        "twitter_samples/train": lambda: split_held_out(twitter_samples(), "nltk:twitter_samples")[0],
        "twitter_samples/dev": lambda: split_held_out(twitter_samples(), "nltk:twitter_samples")[1],
    },
    "bundled": {"short_texts": short_texts, "templates": _template_texts},
}


def _read_file(
    path: Path, labels: Collection[str] | None, text_column: str, label_column: str
) -> Iterator[LabelledText]:
    if not path.exists():
        raise SentimentError(Errors.S001.format(path=path))
    is_empty = True
    for line, text, label in labelled_rows(path, text_column=text_column, label_column=label_column):
        if labels is not None and label not in labels:
            raise SentimentError(Errors.S008.format(path=path, line=line, value=brief(label), labels=", ".join(labels)))
        is_empty = False
        yield LabelledText(text, label)
    if is_empty:
        raise SentimentError(Errors.S003.format(path=path))
