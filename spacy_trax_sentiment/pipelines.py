"""Whole pipelines: finding our component in one, saving with checksums, and loading what was saved so."""

from pathlib import Path

import spacy
from spacy.language import Language

from .component import TraxSentiment
from .errors import Errors, SentimentError
from .model.files import check_directory, seal_directory
from .pretrained import pretrained_path


def save_pipeline(nlp: Language, directory: Path) -> None:
    """Write a pipeline, and the checksums of all its files, which `load_pipeline` compares."""
    nlp.to_disk(directory)
    seal_directory(directory)


def load_pipeline(path: str | Path) -> Language:
    """RETURNS: The spaCy pipeline in the directory; or, for the name of weights that the package carries, one of these.

    Raises SentimentError where there is none, where it is not as it was written, or where it has no component made by
    this package.
    """
    if pretrained_path(path) != Path(path):
        nlp = spacy.blank("en")
        nlp.add_pipe("trax_sentiment", config={"pretrained": str(path)})
        return nlp
    path = Path(path)
    if not path.is_dir():
        raise SentimentError(Errors.S033.format(path=path))
    check_directory(path)
    try:
        nlp = spacy.load(path)
    except SentimentError:
        raise
    except Exception as error:  # spaCy, Thinc, msgpack and json raise all kinds on damaged files
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise SentimentError(Errors.S034.format(path=path, reason=reason)) from error
    find_component(nlp, path)
    return nlp


def find_component(nlp: Language, path: str | Path) -> TraxSentiment:
    """RETURNS: The pipeline's first component made by this package. Raises SentimentError where there is none."""
    for _, component in nlp.pipeline:
        if isinstance(component, TraxSentiment):
            component.load_pending()
            return component
    raise SentimentError(Errors.S035.format(path=path, pipeline=nlp.pipe_names))
