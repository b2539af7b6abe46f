"""Sentiment for spaCy: classifiers that Trax trains, and NumPy or ONNX Runtime serves. The public names are below."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .about import __version__
from .errors import MissingExtraError, SentimentError, TrainingInterrupted

if TYPE_CHECKING:
    from .bulk.text_scorer import TextScorer
    from .evaluation.figures import evaluate
    from .explanation.html import render
    from .jobs.frames import Annotator, annotate
    from .pipelines import load, save
    from .text.sentiment_terms import SentimentTerms
    from .text.unigram_pieces import UnigramPieces
    from .text.word_pieces import WordPieces
    from .training.run import train
    from .training.settings import Settings
    from .web.app import make_app

_MODULES = {
    "Annotator": "jobs.frames",
    "SentimentTerms": "text.sentiment_terms",
    "Settings": "training.settings",
    "TextScorer": "bulk.text_scorer",
    "UnigramPieces": "text.unigram_pieces",
    "WordPieces": "text.word_pieces",
    "annotate": "jobs.frames",
    "evaluate": "evaluation.figures",
    "load": "pipelines",
    "make_app": "web.app",
    "render": "explanation.html",
    "save": "pipelines",
    "train": "training.run",
}

__all__ = [
    "Annotator",
    "MissingExtraError",
    "SentimentError",
    "SentimentTerms",
    "Settings",
    "TextScorer",
    "TrainingInterrupted",
    "UnigramPieces",
    "WordPieces",
    "__version__",
    "annotate",
    "evaluate",
    "load",
    "make_app",
    "render",
    "save",
    "train",
]


def __getattr__(name: str) -> Any:
    # Importing spaCy takes a second, which a shell that completes a command should not wait for.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
