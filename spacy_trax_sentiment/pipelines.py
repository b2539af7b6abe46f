"""Names and directories to whole pipelines: load, save with checksums, and find our component in one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.util import get_model_meta, load_config, load_model_from_config

from .component import TraxSentiment
from .errors import Errors, SentimentError, errors_at, reason_of
from .pretrained import known_models, pretrained_path
from .storage.sealed import SEAL, check_directory, seal_directory

_TRIES = 5


def save(nlp: Language, directory: str | Path) -> None:
    """Write a pipeline into a directory, with the checksums of all its files, which `load` compares."""
    directory = Path(directory)
    nlp.to_disk(directory)
    seal_directory(directory, {"config.cfg", "meta.json", "tokenizer", "vocab", *nlp.component_names})


def load(name_or_path: str | Path, *, labels: Sequence[str] | None = None) -> Language:
    """Load a pipeline that holds a `trax_sentiment` component.

    Args:
        name_or_path: The name of bundled weights, such as "en", or a pipeline directory.
        labels: The labels to keep, at least two, such as `["negative", "positive"]` of a model that has neutral, too.
            Their probabilities then sum to 1, and the component cannot be trained. None for those that it was saved
            with.

    Raises:
        SentimentError: There is no such pipeline, it is damaged, it has no component of this package, it lacks the
            labels, or it was replaced each time it was read.
    """
    kept = [labels] if isinstance(labels, str) else None if labels is None else list(labels)
    if pretrained_path(name_or_path) != Path(name_or_path):
        nlp = spacy.blank("en")
        nlp.add_pipe("trax_sentiment", config={"pretrained": str(name_or_path), "restrict_labels": kept})
        if kept is not None:
            with errors_at(name_or_path):
                find_component(nlp)
        return nlp
    path = Path(name_or_path)
    # Files are read one after the other, and another process may put another model there meanwhile.
    for _ in range(_TRIES):
        before = saved_state(path)
        try:
            nlp = _load_whole(path, kept)
        except SentimentError:
            if saved_state(path) == before:
                raise
        else:
            if saved_state(path) == before:
                return nlp
    raise SentimentError(Errors.S038.format(path=path))


def saved_state(path: Path) -> tuple[tuple[int, ...] | None, ...]:
    """Return what differs if another pipeline is put in the directory's place."""
    return tuple(_file_state(path / name) for name in (SEAL, "meta.json"))


def _file_state(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    # A copy may keep its modification time, but not its change time.
    return status.st_dev, status.st_ino, status.st_ctime_ns, status.st_size


def _load_whole(path: Path, labels: list[str] | None) -> Language:
    if not path.is_dir():
        raise SentimentError(Errors.S033.format(path=path, known=known_models(path)))
    check_directory(path)
    try:
        nlp = _load(path, labels)
    except SentimentError:
        raise
    except Exception as error:  # spaCy, Thinc, msgpack and json raise anything on damaged files
        raise SentimentError(Errors.S034.format(path=path, reason=reason_of(error))) from error
    with errors_at(path):
        find_component(nlp)
    return nlp


def _load(path: Path, labels: list[str] | None) -> Language:
    """Like `spacy.load`, which gives a tokenizer its special cases twice: new ones, then the saved ones.

    Doing it once loads a saved pipeline in two thirds of the time.
    """
    config = load_config(path / "config.cfg")
    if labels is not None and (name := _name_in(config)) is not None:
        config["components"][name]["restrict_labels"] = labels
    nlp = load_model_from_config(config, meta=get_model_meta(path))
    tokenizer, saved = nlp.tokenizer, path / "tokenizer"
    # The special cases keep lexemes from before the vocabulary was loaded. Their texts are the same, which is all that
    # our component looks at; their norms may not be.
    alone = all(isinstance(component, TraxSentiment) for _, component in nlp.pipeline)
    if alone and isinstance(tokenizer, Tokenizer) and saved.is_file():
        is_loaded = saved.read_bytes() == tokenizer.to_bytes(exclude=["vocab"])
        return nlp.from_disk(path, exclude=["tokenizer"] if is_loaded else [])
    return nlp.from_disk(path)


def _name_in(config: dict[str, Any]) -> str | None:
    """Return the name of the component that `find_component` will find in the pipeline of this config."""
    components = config["components"]
    return next((n for n in config["nlp"]["pipeline"] if components[n].get("factory") == "trax_sentiment"), None)


def find_component(nlp: Language) -> TraxSentiment:
    """Return the pipeline's first component of this package, with its weights loaded, or raise SentimentError."""
    for _, component in nlp.pipeline:
        if isinstance(component, TraxSentiment):
            component.load_pending()
            return component
    raise SentimentError(Errors.S035.format(pipeline=nlp.pipe_names))
