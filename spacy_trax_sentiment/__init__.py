"""Sentiment for spaCy: a Trax classifier, served by NumPy."""

from .about import __version__
from .serving import TextScorer

__all__ = ["TextScorer", "__version__"]
