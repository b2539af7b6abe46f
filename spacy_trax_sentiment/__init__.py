"""Sentiment for spaCy: a Trax classifier, served by NumPy."""

from .about import __version__

__all__ = ["__version__"]
