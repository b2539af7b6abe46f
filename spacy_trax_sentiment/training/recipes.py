"""Read a recipe, which mixes labelled sources, as a corpus with weighted texts and settings."""

import zlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass
from thinc.api import Config

from ..errors import Errors, SentimentError, errors_at, reason_of
from ..tables.targets import Span
from .corpora import read_labelled_texts
from .labelled import Corpus, LabelledText, renamed, require_labels
from .settings import STRICT_NAMES, Settings, one_line_errors
from .soft_labels import read_soft_labels
from .target_texts import read_target_texts


@one_line_errors
@dataclass(frozen=True, config=STRICT_NAMES)
class Source:
    """A source of a recipe.

    Attributes:
        path: A file relative to the recipe's data, or a named source.
        weight: How often to draw each text, in proportion.
        label_weights: Factors on that by label.
        labels: The labels that the source tells apart, if not all of the recipe's. Its texts then teach only the odds
            of these.
        probabilities: The prefix of the columns that hold each label's probability, such as "sentiment_" in what
            `trax-sentiment predict` writes; the texts then need no label. None if each text has one label.
        targets: Whether each label is of a part of its text, the target, from the character `from` to before `to`.
        part: "train" to leave out the texts for "dev", about a tenth of them; "dev" for these alone; None for all.
    """

    path: str
    weight: float = 1.0
    label_weights: dict[str, float] | None = None
    labels: list[str] | None = None
    probabilities: str | None = None
    targets: bool = False
    part: Literal["train", "dev"] | None = None

    def weight_of(self, label: str) -> float:
        """Return the weight of a text with this label."""
        return self.weight * (self.label_weights or {}).get(label, 1.0)


class Recipe(NamedTuple):
    """A mixture to train on: the labels in the columns' order, the settings, and the sources of both parts."""

    labels: list[str]
    settings: Settings
    sources: list[Source]
    dev: list[Source]


def read_recipe(name: str | Path) -> Recipe:
    """Read a recipe, a .cfg file or by name that of a bundled model; raise SentimentError if it cannot be used."""
    path = Path(name)
    bundled = files("spacy_trax_sentiment.configs") / "recipes" / f"{name}.cfg"
    if not path.is_file() and not bundled.is_file():
        raise SentimentError(Errors.S026.format(path=path, reason="no such file"))
    try:
        text = path.read_text("utf8") if path.is_file() else bundled.read_text("utf8")
        config = Config().from_str(text)
        with errors_at(path):
            names = list(config["labels"]["names"])
            return Recipe(
                names,
                Settings(**config["settings"], model=config.get("model")),
                [_source(names, **source) for source in config["sources"].values()],
                [_source(names, **source) for source in config["dev"].values()],
            )
    except SentimentError:
        raise
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise SentimentError(Errors.S026.format(path=path, reason=reason_of(error))) from None


def _source(names: Sequence[str], **settings: Any) -> Source:
    source = Source(**settings)
    if source.labels is not None and (len(source.labels) < 2 or not set(names).issuperset(source.labels)):
        raise ValueError(f"the labels of {source.path} are not two or more of {', '.join(names)}")
    if source.labels is not None and source.probabilities is not None:
        raise ValueError(f"{source.path} has both labels and probabilities")
    return source


def mix(recipe: Recipe, data: Path) -> Corpus:
    """Read a recipe's sources, which are relative to `data`: texts with a weight above 0, and held-out texts."""
    texts: list[LabelledText] = []
    weights: list[float] = []
    targets, held_out_targets, spans, held_out_spans = [], [], list[Span | None](), list[Span | None]()
    for source in recipe.sources:
        of_source, of_labels, of_spans = _read(source, data, recipe.labels)
        weights_of_source = [source.weight_of(text.label) for text in of_source]
        drawn = [i for i, weight in enumerate(weights_of_source) if weight]
        texts += [of_source[i] for i in drawn]
        weights += [weights_of_source[i] for i in drawn]
        targets.append(of_labels[drawn])
        spans += [of_spans[i] for i in drawn]
    held_out = []
    for source in recipe.dev:
        of_source, of_labels, of_spans = _read(source, data, recipe.labels)
        kept = [i for i, text in enumerate(of_source) if text.label in (source.labels or recipe.labels)]
        held_out += [of_source[i] for i in kept]
        held_out_targets.append(of_labels[kept])
        held_out_spans += [of_spans[i] for i in kept]
    for place, part in (("the training texts", texts), ("the held-out texts", held_out)):
        with errors_at(place):
            require_labels(part, recipe.labels)
    if all(_is_plain(source) for source in (*recipe.sources, *recipe.dev)):
        return Corpus(recipe.labels, texts, held_out, weights)
    corpus = Corpus(recipe.labels, texts, held_out, weights, np.concatenate(targets), np.concatenate(held_out_targets))
    if any(source.targets for source in recipe.sources):
        corpus = corpus._replace(spans=spans, held_out_spans=held_out_spans)
    return corpus


def _is_plain(source: Source) -> bool:
    """Return whether the labels of a source's texts say it all."""
    return source.labels is None and source.probabilities is None and not source.targets


def _read(
    source: Source, data: Path, labels: Sequence[str]
) -> tuple[list[LabelledText], NDArray[np.float32], Sequence[Span | None]]:
    """Return a source's texts, their targets (n_texts, n_labels) and their spans: see `Corpus`."""
    path = source.path if ":" in source.path else data / source.path
    spans: Sequence[Span | None]
    if source.probabilities is not None:
        texts, targets = read_soft_labels(Path(path), source.probabilities, labels)
        spans = [None] * len(texts)
    else:
        if source.targets:
            texts, spans = read_target_texts(path)
        else:
            texts = read_labelled_texts(path, labels=None)
            spans = [None] * len(texts)
        texts = renamed(texts, labels)
        targets = _targets(source, texts, labels)
    if source.part is None:
        return texts, targets, spans
    kept = [i for i, text in enumerate(texts) if part_of(text.text) == source.part]
    return [texts[i] for i in kept], targets[kept], [spans[i] for i in kept]


def part_of(text: str) -> str:
    """Return the part that a text of a source belongs to: "dev" for about a tenth of all texts, else "train"."""
    return "train" if zlib.crc32(text.encode("utf-8", "surrogatepass")) % 10 else "dev"


def _targets(source: Source, texts: Sequence[LabelledText], labels: Sequence[str]) -> NDArray[np.float32]:
    known = [label in (source.labels or labels) for label in labels]
    # A text of another label teaches even probabilities.
    even = np.where(known, 1 / sum(known), -1)
    rows = {label: np.where(known, np.eye(len(labels))[i], -1) for i, label in enumerate(labels) if known[i]}
    targets = [rows.get(text.label, even) for text in texts]
    return np.array(targets, dtype=np.float32).reshape(-1, len(labels))
