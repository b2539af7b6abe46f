"""The weights that the package carries, and the files behind a name or path."""

import warnings
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import srsly

from ..errors import Errors, SentimentError
from ..storage.whole import MANIFEST


def pretrained_path(name: str | Path) -> Path:
    """Return the directory of the bundled weights of that name, if it is a str; else the name as a path.

    A directory in the working directory that is called "en" is named "./en", so that no accident changes what "en" is.
    """
    bundled = Path(__file__).parent / name
    return bundled if isinstance(name, str) and name.isidentifier() and _holds_model(bundled) else Path(name)


def well_spelt(name: str | Path) -> str | Path:
    """Return the name or path of weights, or raise SentimentError if a bundled model was meant, and none is there."""
    path = pretrained_path(name)
    if str(path) == name == path.name and not path.exists() and get_close_matches(name, bundled_names(), 1, 0.81):
        raise SentimentError(Errors.S036.format(path=name, known=known_models(name)))
    return name


def bundled_names() -> list[str]:
    """Return the names of the models that the package carries, in alphabetical order."""
    return sorted(each.name for each in Path(__file__).parent.iterdir() if _holds_model(each))


def known_models(path: str | Path) -> str:
    """Return sentences for a model that is not there: the one with the nearest name, if any, and the bundled ones."""
    path, names = Path(path), bundled_names()
    try:
        beside = [each.name for each in path.parent.iterdir() if each.is_dir() and each != path]
    except OSError:
        beside = []
    # A name without a folder may be meant for a bundled model as well.
    candidates = names + beside if len(path.parts) == 1 else beside
    nearest = [f"Did you mean {path.parent / name}? " for name in get_close_matches(path.name, candidates, 1, 0.7)]
    return f"{''.join(nearest)}The bundled models are {', '.join(names[:-1])} and {names[-1]}"


def find_model(path: Path, name: str) -> Path | None:
    """Return the directory of the component's files, in a pipeline's directory or the path itself; None if none.

    In the pipeline, the component may have another name, if it is the only one.
    """
    named = [each for each in (path / name, path / "trax_sentiment", path) if _holds_model(each)]
    if not named and path.is_dir():
        of_another_name = [each for each in path.iterdir() if _holds_model(each)]
        named = of_another_name if len(of_another_name) == 1 else []
    return named[0] if named else None


def pretrained_model(path: Path, name: str) -> Path:
    """Return what `find_model` does, or raise SentimentError if there is no model."""
    found = find_model(path, name)
    if found is None:
        raise SentimentError(Errors.S036.format(path=path, known=known_models(path)))
    return found


def pretrained_labels(path: Path, name: str) -> list[str]:
    """Return the labels of a model, from its manifest; none if it cannot be read, which is reported on loading."""
    found = find_model(path, name)
    try:
        return [] if found is None else list(srsly.read_json(found / MANIFEST)["labels"])
    except (KeyError, OSError, TypeError, ValueError):
        return []


def asked_models(path: Path, name: str) -> list[Path]:
    """Return the directories of the models that a cascade names in its settings; none if the model is another."""
    cascade = _settings(path, name).get("cascade") or {}
    return [pretrained_path(cascade[each]) for each in ("first", "second") if isinstance(cascade.get(each), str)]


def lacks_target_head(path: Path, name: str) -> bool:
    """Return whether a model's settings tell that it cannot score targets; those of a cascade do not tell."""
    settings = _settings(path, name)
    return bool(settings) and "cascade" not in settings and not settings.get("encoder", {}).get("target_head")


def _settings(path: Path, name: str) -> dict[str, Any]:
    """Return a model's settings; none if they cannot be read, which is reported on loading."""
    found = find_model(path, name)
    try:
        settings: Any = {} if found is None else srsly.read_json(found / "settings.json")
        parts = [settings.get(part) for part in ("cascade", "encoder")]
        return settings if all(part is None or isinstance(part, dict) for part in parts) else {}
    except (AttributeError, OSError, ValueError):
        return {}


def check_language(cfg: dict[str, Any], where: str | Path, found: str) -> None:
    """Warn if the settings of a loaded model name another language than the pipeline's, `found`; "xx" and "" are none.

    Those of bundled weights get the language with which their name begins.
    """
    if isinstance(where, Path) and where.parent == Path(__file__).parent:
        cfg.setdefault("lang", where.name.partition("_")[0])
    language = cfg.get("lang", "")
    if language != found and not {"xx", ""} & {language, found}:
        warnings.warn(Errors.S172.format(language=language, found=found), stacklevel=2)


def columns_of(labels: Sequence[str], kept: Sequence[str] | None) -> list[int] | None:
    """Return the columns of the labels to keep, in the model's own order; None for all.

    Labels that the model lacks, fewer than two, or one of them twice raise SentimentError.
    """
    if kept is None:
        return None
    unknown = [label for label in kept if label not in labels]
    reason = ""
    if unknown:
        reason = f"the model lacks {', '.join(map(repr, unknown))}"
    elif len(set(kept)) < len(kept):
        reason = "one is there twice"
    elif len(kept) < 2:
        reason = "a choice needs two or more"
    if reason:
        raise SentimentError(Errors.S085.format(value=", ".join(kept), reason=reason, labels=", ".join(labels)))
    return [column for column, label in enumerate(labels) if label in kept]


def _holds_model(directory: Path) -> bool:
    return (directory / MANIFEST).is_file()
