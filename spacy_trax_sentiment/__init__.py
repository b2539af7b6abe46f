"""Sentiment for spaCy: a Trax classifier, served by NumPy."""

from .about import __version__
from .explanation.rendering import render, serve
from .serving import TextScorer

__all__ = ["TextScorer", "__version__", "render", "serve"]
