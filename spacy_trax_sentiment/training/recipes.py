"""A recipe to weighted texts: a config of the labels, of the sources in their proportions, and of the settings."""

from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from thinc.api import Config

from ..errors import Errors, SentimentError
from .corpora import read_labelled_texts
from .labelled import LabelledText
from .settings import Settings


@dataclass(frozen=True)
class Source:
    """path: A path within the data's directory, or a named source as in `read_labelled_texts`.

    weight: How often to draw a text of it, in proportion. label_weights: Times this, where a text's label is named.
    """

    path: str
    weight: float = 1.0
    label_weights: dict[str, float] | None = None

    def weight_of(self, label: str) -> float:
        return self.weight * (self.label_weights or {}).get(label, 1.0)


class Recipe(NamedTuple):
    """labels: In the order of the scores' columns. sources, dev: What to learn from, and what is held out."""

    labels: list[str]
    settings: Settings
    sources: list[Source]
    dev: list[Source]


class Mixture(NamedTuple):
    """weights: Of each text, (n_texts,). dev_texts: Held-out texts of the recipe's labels alone."""

    texts: list[LabelledText]
    weights: list[float]
    dev_texts: list[LabelledText]


def read_recipe(name: str | Path) -> Recipe:
    """Read a recipe.

    name: A path; or `en`, `en_ternary` or `en_ternary_start`, those of the models that the package carries.

    Raises SentimentError, naming the file and what is wrong, where it cannot be used.
    """
    path = Path(name)
    bundled = files("spacy_trax_sentiment.configs") / "recipes" / f"{name}.cfg"
    if not path.is_file() and not bundled.is_file():
        raise SentimentError(Errors.S026.format(path=path, reason="no such file"))
    text = path.read_text("utf8") if path.is_file() else bundled.read_text("utf8")
    try:
        config = Config().from_str(text)
        return Recipe(
            list(config["labels"]["names"]),
            Settings(**_known(Settings, config["settings"])),
            [Source(**_known(Source, source)) for source in config["sources"].values()],
            [Source(**_known(Source, source)) for source in config["dev"].values()],
        )
    except (KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise SentimentError(Errors.S026.format(path=path, reason=reason)) from None


def mix(recipe: Recipe, data: Path) -> Mixture:
    """Read the recipe's sources. data: The directory that their paths are within.

    Raises SentimentError where a source cannot be read.
    """
    texts: list[LabelledText] = []
    weights: list[float] = []
    for source in recipe.sources:
        for text in _read(source, data):
            if weight := source.weight_of(text.label):
                texts.append(text)
                weights.append(weight)
    dev_texts = [text for source in recipe.dev for text in _read(source, data) if text.label in recipe.labels]
    return Mixture(texts, weights, dev_texts)


def _read(source: Source, data: Path) -> list[LabelledText]:
    return read_labelled_texts(source.path if ":" in source.path else data / source.path, labels=None)


def _known(kind: Any, section: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    if unknown := set(section) - names:
        raise ValueError(f"unknown setting {min(unknown)!r}; there are: {', '.join(sorted(names))}")
    return section
