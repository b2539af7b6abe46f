"""Why a text scores as it does: each token's share, shown as HTML or in a terminal."""

from .sentiment import Sentiment

__all__ = ["Sentiment"]
