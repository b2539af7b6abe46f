"""Raw texts to the scores of one model, without Docs."""

from collections.abc import Sequence
from typing import Any

from spacy.tokenizer import Tokenizer
from thinc.api import Model

from ..model.inputs import Tokens, lexeme_cache, scored, token_preprocessor
from ..text.labels import Scored
from .cases_across import CasesAcross
from .chunk_cache import ChunkCache
from .chunk_tokenizer import ChunkTokenizer
from .ladder import Ladder
from .whitespace import split


class ModelScorer:
    """Scores raw texts by one model, which is no cascade. Threads may share one."""

    def __init__(self, tokenizer: Tokenizer, model: Model[Any, Any], max_chunks: int) -> None:
        self._model, self._lexemes = model, lexeme_cache(model)
        self._tokenizer = ChunkTokenizer(tokenizer, self._lexemes)
        self._across = CasesAcross(self._tokenizer)
        self._cache = ChunkCache(Ladder(self._tokenizer, self._lexemes, token_preprocessor(model).alike), max_chunks)

    @property
    def is_current(self) -> bool:
        """Whether the model has not begun a new cache of lexemes, for which it is time to make another scorer."""
        return lexeme_cache(self._model) is self._lexemes

    def scored(self, texts: Sequence[str]) -> Scored:
        """Return the scores of a block of texts."""
        if self._cache.is_full:
            self._cache = self._cache.renewed()
        chunks = split(texts, token_preprocessor(self._model).informal)
        found = scored(self._model, Tokens(self._cache.tokens(chunks), self._lexemes))
        whole = self._across.texts(chunks)
        if whole:
            again = scored(self._model, Tokens(self._tokenizer.tokens([texts[i] for i in whole]), self._lexemes))
            for rows, new in zip(found, again, strict=True):
                rows[whole] = new
        return found
