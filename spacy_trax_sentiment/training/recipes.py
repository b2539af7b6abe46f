"""Read a recipe, which mixes labelled sources, as a corpus with weighted texts and settings."""

from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from pydantic.dataclasses import dataclass
from thinc.api import Config

from ..errors import Errors, SentimentError, errors_at
from .corpora import read_labelled_texts
from .labelled import Corpus, LabelledText, require_labels
from .settings import STRICT_NAMES, Settings, one_line_errors


@one_line_errors
@dataclass(frozen=True, config=STRICT_NAMES)
class Source:
    """A source of a recipe: its path, how often to draw each text, in proportion, and factors on that by label."""

    path: str
    weight: float = 1.0
    label_weights: dict[str, float] | None = None

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
    text = path.read_text("utf8") if path.is_file() else bundled.read_text("utf8")
    try:
        config = Config().from_str(text)
        with errors_at(path):
            return Recipe(
                list(config["labels"]["names"]),
                Settings(**config["settings"]),
                [Source(**source) for source in config["sources"].values()],
                [Source(**source) for source in config["dev"].values()],
            )
    except SentimentError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise SentimentError(Errors.S026.format(path=path, reason=reason)) from None


def mix(recipe: Recipe, data: Path) -> Corpus:
    """Read a recipe's sources, which are relative to `data`: texts with a weight above 0, and held-out texts."""
    texts: list[LabelledText] = []
    weights: list[float] = []
    for source in recipe.sources:
        for text in _read(source, data):
            if weight := source.weight_of(text.label):
                texts.append(text)
                weights.append(weight)
    held_out = [text for source in recipe.dev for text in _read(source, data) if text.label in recipe.labels]
    for place, part in (("the training texts", texts), ("the held-out texts", held_out)):
        with errors_at(place):
            require_labels(part, recipe.labels)
    return Corpus(recipe.labels, texts, held_out, weights)


def _read(source: Source, data: Path) -> list[LabelledText]:
    return read_labelled_texts(source.path if ":" in source.path else data / source.path, labels=None)
