"""Many texts: scores without Docs."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bulk import TextScorer

__all__ = ["TextScorer"]


def __getattr__(name: str) -> Any:
    # Reading, writing and handing out texts needs no spaCy, which takes half a second to import.
    if name == "TextScorer":
        from .bulk import TextScorer

        return TextScorer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
