"""Many texts: scores without Docs."""

from .bulk import TextScorer

__all__ = ["TextScorer"]
