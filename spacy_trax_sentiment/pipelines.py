"""Whole pipelines: finding our component in one, saving with checksums, and loading what was saved so."""

from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.util import get_model_meta, load_config, load_model_from_config

from .component import TraxSentiment
from .errors import Errors, SentimentError
from .pretrained import known_models, pretrained_path
from .storage.sealed import SEAL, check_directory, seal_directory

_TRIES = 5


def save_pipeline(nlp: Language, directory: Path) -> None:
    """Write a pipeline, and the checksums of all its files, which `load_pipeline` compares."""
    nlp.to_disk(directory)
    seal_directory(directory)


def load_pipeline(path: str | Path) -> Language:
    """RETURNS: The spaCy pipeline in the directory; or, for the name of weights that the package carries, one of these.

    Raises SentimentError where there is none, where it is not as it was written, where it has no component made by this
    package, or where it is replaced again and again as it is read.
    """
    if pretrained_path(path) != Path(path):
        nlp = spacy.blank("en")
        nlp.add_pipe("trax_sentiment", config={"pretrained": str(path)})
        return nlp
    path = Path(path)
    # Files are read one after the other, so another process may put another model there meanwhile.
    for _ in range(_TRIES):
        before = _state(path)
        try:
            nlp = _load_whole(path)
        except SentimentError:
            if _state(path) == before:
                raise
        else:
            if _state(path) == before:
                return nlp
    raise SentimentError(Errors.S038.format(path=path))


def _state(path: Path) -> list[tuple[int, ...] | None]:
    """RETURNS: What tells a pipeline's directory from another that is put in its place."""
    return [_file_state(path / name) for name in (SEAL, "meta.json")]


def _file_state(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    # A copy may bring its time of modification along, but not that of its change.
    return status.st_dev, status.st_ino, status.st_ctime_ns, status.st_size


def _load_whole(path: Path) -> Language:
    if not path.is_dir():
        raise SentimentError(Errors.S033.format(path=path, known=known_models(path)))
    check_directory(path)
    try:
        nlp = _load(path)
    except SentimentError:
        raise
    except Exception as error:  # spaCy, Thinc, msgpack and json raise all kinds on damaged files
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise SentimentError(Errors.S034.format(path=path, reason=reason)) from error
    find_component(nlp, path)
    return nlp


def _load(path: Path) -> Language:
    """RETURNS: As `spacy.load`, which gives a tokenizer its special cases twice: first anew, then as they are saved."""
    nlp = load_model_from_config(load_config(path / "config.cfg"), meta=get_model_meta(path))
    tokenizer, saved = nlp.tokenizer, path / "tokenizer"
    # Special cases keep the lexemes of before the vocabulary was loaded: of the same text, which is all that our
    # component looks at, but not always of the same norm.
    alone = all(isinstance(component, TraxSentiment) for _, component in nlp.pipeline)
    if alone and isinstance(tokenizer, Tokenizer) and saved.is_file():
        is_loaded = saved.read_bytes() == tokenizer.to_bytes(exclude=["vocab"])
        return nlp.from_disk(path, exclude=["tokenizer"] if is_loaded else [])
    return nlp.from_disk(path)


def find_component(nlp: Language, path: str | Path) -> TraxSentiment:
    """RETURNS: The pipeline's first component made by this package. Raises SentimentError where there is none."""
    for _, component in nlp.pipeline:
        if isinstance(component, TraxSentiment):
            component.load_pending()
            return component
    raise SentimentError(Errors.S035.format(path=path, pipeline=nlp.pipe_names))
