"""Sentiment for spaCy: a Trax classifier, served by NumPy."""

from typing import TYPE_CHECKING, Any

from .about import __version__

if TYPE_CHECKING:
    from .bulk.text_scorer import TextScorer
    from .explanation.html import render, serve

__all__ = ["TextScorer", "__version__", "render", "serve"]


def __getattr__(name: str) -> Any:
    # spaCy takes a second to import, for which a shell that completes a command should not wait.
    if name == "TextScorer":
        from .bulk.text_scorer import TextScorer

        return TextScorer
    if name in ("render", "serve"):
        from .explanation import html as rendering

        return getattr(rendering, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
