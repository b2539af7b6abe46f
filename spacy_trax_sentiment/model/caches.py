"""The caches of one model: its lexemes, and its folded weights or its session."""

import os
import threading
from collections.abc import Callable
from typing import Any, cast

from thinc.api import Model

from ..text.lexeme_cache import LexemeCache
from ..text.token_preprocessor import by_tokens
from .columns import narrowed_prior, narrowed_weights
from .folded import Folded, LexemeMatrix, fold
from .graph import Graph
from .parameters import get_weights
from .session import Session
from .sparse_rows import RowUpdates, StepCount

MOST_LEXEMES, _IDS_OF_EACH = 1 << 18, 8  # of more lexemes, or ids, a new cache begins: some 25 MB


class ModelCaches:
    """Owns the caches of one model. A copy of the model, or another process, starts with empty ones.

    They are never saved: Thinc skips attributes that it cannot serialize.
    """

    def __init__(self) -> None:
        self._lexemes: tuple[Any, LexemeCache] | None = None
        self._folded: tuple[list[Any], Folded] | None = None
        self._matrix: LexemeMatrix | None = None
        self._sessions: dict[str, tuple[list[Any], Session]] = {}
        self._of_parent: list[Any] = []
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Callable[..., "ModelCaches"], tuple[()]]:
        return type(self), ()

    def lexemes(self, model: Model[Any, Any]) -> LexemeCache:
        """Return the cache of the model's preprocessor and vocabulary: a new one if it is full or not theirs."""
        preprocessor, vocabulary = model.attrs["preprocessor"], model.attrs["vocabulary"]
        with self._lock:  # else two threads could make a cache each, and mix up their indices
            kept = self._lexemes
            is_other = kept is None or kept[0] is not preprocessor or kept[1].vocabulary is not vocabulary
            if kept is None or is_other or max(kept[1].n_lexemes, len(kept[1].ids) // _IDS_OF_EACH) > MOST_LEXEMES:
                self._lexemes = kept = preprocessor, LexemeCache(by_tokens(preprocessor), vocabulary)
            return kept[1]

    def folded(self, model: Model[Any, Any]) -> Folded:
        """Return the model's weights folded, to the labels it is narrowed to. They are folded again if they changed.

        Thinc's optimizers write into the weights' arrays; the model's shim counts their steps. Whoever else sets a
        weight gives the model another array.
        """
        a, weights = model.attrs, get_weights(model)
        columns = a["columns"]
        settings = a["mean"], narrowed_prior(a["label_prior"], columns), a["length_exponent"]
        state = [cast(RowUpdates, model.shims[0]).n_steps, columns, *settings, *weights.values()]
        kept = self._folded
        if kept is None or len(kept[0]) != len(state) or not all(map(_is_same, kept[0], state)):
            self._folded = kept = state, fold(narrowed_weights(weights, columns), *settings)
        return kept[1]

    def matrix(self, model: Model[Any, Any], lexemes: LexemeCache) -> LexemeMatrix:
        """Return the folded weights summed per lexeme of a cache."""
        folded, kept = self.folded(model), self._matrix
        if kept is None or kept.folded is not folded or kept.cache is not lexemes:
            self._matrix = kept = LexemeMatrix(folded, lexemes)
        return kept

    def session(self, model: Model[Any, Any], graph: Graph) -> Session:
        """Return the model's graph with its weights, ready to run: a new session if either changed.

        A forked process makes its own: the threads of its parent's session are not there.
        """
        n_steps = [cast(StepCount, shim).n_steps for shim in model.shims]
        state = [os.getpid(), graph, *n_steps, *get_weights(model).values()]
        with self._lock:
            kept = self._sessions.get(graph.name)
            if kept is None or len(kept[0]) != len(state) or not all(map(_is_same, kept[0], state)):
                if kept is not None and kept[0][0] != state[0]:
                    self._of_parent.append(kept)  # freeing it would wait for its threads
                self._sessions[graph.name] = kept = state, Session(graph, get_weights(model))
            return kept[1]


def _is_same(a: Any, b: Any) -> bool:
    return a is b or (isinstance(a, int | float | str | list) and a == b)
