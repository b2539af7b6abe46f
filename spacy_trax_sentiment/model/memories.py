"""What a model remembers between calls, and does not save: its lexemes, and its weights folded."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..text.lexemes import LexemeMemory, TokenPreprocessor
from .scoring import Folded, RowTable, fold


class LexemeMemories:
    """The lexeme memory of the model's vocabulary. Not saved, as below."""

    def __init__(self) -> None:
        self._kept: LexemeMemory | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()  # a copy or another process remembers for itself

    def know(self, preprocessor: TokenPreprocessor, vocabulary: Mapping[str, int], forms: bytes) -> None:
        """Begin anew with what `forms_to_bytes` made of these, for as long as the model has just these."""
        self._kept = LexemeMemory(preprocessor, vocabulary, forms)

    def get(self, preprocessor: TokenPreprocessor, vocabulary: Mapping[str, int]) -> LexemeMemory:
        """RETURNS: The memory of these, begun anew where the last was of others."""
        kept = self._kept
        if kept is None or kept.vocabulary is not vocabulary or kept.preprocessor is not preprocessor:
            self._kept = kept = LexemeMemory(preprocessor, vocabulary)
        return kept


class FoldMemory:
    """The folded weights, kept until the weights change. Not saved: Thinc passes over what msgpack cannot write."""

    def __init__(self) -> None:
        self._kept: tuple[Mapping[str, Any], Mapping[str, Any], tuple[Any, ...], Folded] | None = None
        self._rows: RowTable | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()

    def get(
        self, weights: Mapping[str, Any], mean: str, label_prior: Sequence[float] | None, length_exponent: float
    ) -> Folded:
        """RETURNS: What `fold` makes of these."""
        kept, settings = self._kept, (mean, None if label_prior is None else tuple(label_prior), length_exponent)
        if kept is not None and kept[2] == settings and self._unchanged(weights, *kept[:2]):
            return kept[3]
        # Thinc's optimizers write into the arrays that they are given. Every step changes the small ones too, so
        # comparing the values of those tells whether the large table has changed.
        small = {name: value.copy() for name, value in weights.items() if name != "E"}
        folded = fold(weights, *settings)
        self._kept = (dict(weights), small, settings, folded)
        return folded

    def rows(self, folded: Folded, memory: LexemeMemory) -> RowTable:
        """RETURNS: The rows of the memory, of what `get` has given."""
        rows = self._rows
        if rows is None or rows.folded is not folded or rows.memory is not memory:
            self._rows = rows = RowTable(folded, memory)
        return rows

    @staticmethod
    def _unchanged(weights: Mapping[str, Any], arrays: Mapping[str, Any], small: Mapping[str, Any]) -> bool:
        return all(weights[name] is array for name, array in arrays.items()) and all(
            np.array_equal(weights[name], value) for name, value in small.items()
        )
