"""Raw texts to probabilities (n_texts, n_labels) without Docs, the same numbers that `doc.cats` would hold.

spaCy's tokenizer takes each chunk between white space by itself. So what a chunk's tokens stand for is found out once
and remembered, and a text is scored by splitting it and looking its chunks up.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc

from ..about import BUNDLED_MODEL
from ..errors import Errors, SentimentError
from ..model.thinc_model import lexeme_cache, row_probabilities
from ..pipelines import find_component, load_pipeline
from ..text.token_preprocessor import TokenPreprocessor
from .chunk_cache import ChunkCache
from .chunk_tokenizer import ChunkTokenizer
from .whitespace import split

logger = logging.getLogger(__name__)

Scores = NDArray[np.float32]

# Characters of the texts that are scored at a time: the arrays for them take some 30 MB.
_BLOCK_SIZE = 1 << 20


class TextScorer:
    """Scores texts with a pipeline's `trax_sentiment` component. Threads may share one that does not make Docs.

    It takes the pipeline as it is: make a new one after training on, or after changing the tokenizer.
    """

    def __init__(self, nlp: Language) -> None:
        """Raises SentimentError where the pipeline has no component of this package, ValueError (spaCy's E109) where
        that is not trained.
        """
        self._nlp = nlp
        self._component = find_component(nlp, "the pipeline")
        self._component.require_weights()
        self.labels: tuple[str, ...] = self._component.labels
        self._memory: ChunkCache | None = None
        reason = self._obstacle()
        if reason is None:
            self._memory = ChunkCache(ChunkTokenizer(nlp.tokenizer), lexeme_cache(self._component.model))
        else:
            logger.warning("TextScorer makes a Doc of each text, which is slower: %s.", reason)

    @property
    def makes_docs(self) -> bool:
        """Whether it must make a Doc of each text. Threads may not share such a one."""
        return self._memory is None

    def component_docs(self, texts: Iterable[str]) -> Iterator[Doc]:
        """YIELDS: The texts' Docs, as the component gets them."""
        return self._nlp.pipe(texts, disable=self._nlp.pipe_names[len(self._names_before()) :])

    @classmethod
    def load(cls, path: str | Path = BUNDLED_MODEL) -> "TextScorer":
        """RETURNS: The scorer of a pipeline directory; or of `en` or `en_ternary`, which the package carries.

        Raises SentimentError where it cannot be loaded.
        """
        return cls(load_pipeline(path))

    def __call__(self, texts: Iterable[str]) -> Scores:
        """RETURNS: float32 probabilities (n_texts, n_labels), their columns in the order of `labels`.

        A lone surrogate, which spaCy refuses, counts as U+FFFD. A text may be longer than `nlp.max_length`, but for
        the Doc way.

        Raises SentimentError where a text is not a str.
        """
        if isinstance(texts, str):
            raise SentimentError(Errors.S050.format(value=repr(texts[:40])))
        texts = list(texts)
        if self._memory is None:
            return self._by_docs(_checked(texts))
        try:
            return self._by_chunks(texts)
        except (TypeError, UnicodeEncodeError):
            return self._by_chunks(_checked(texts))

    def stream(self, texts: Iterable[str], batch_size: int = 4000) -> Iterator[Scores]:
        """YIELDS: The probabilities (n_labels,) of each text, in order. Memory does not grow with the texts' number.

        Raises SentimentError where the batch size is below 1 or a text is not a str.
        """
        if batch_size < 1:
            raise SentimentError(
                Errors.S021.format(name="batch_size", value=batch_size, wanted="a number of at least 1")
            )
        return self._stream(iter(texts), batch_size)

    def _stream(self, texts: Iterator[str], batch_size: int) -> Iterator[Scores]:
        while batch := list(islice(texts, batch_size)):
            yield from self(batch)

    def _by_chunks(self, texts: Sequence[str]) -> Scores:
        return np.concatenate(list(map(self._of_block, _blocks(texts))))

    def _of_block(self, texts: Sequence[str]) -> Scores:
        chunks = split(texts)
        memory = self._memory
        assert memory is not None
        if memory.is_full():
            self._memory = memory = memory.renewed()
        rows, lengths, crossing = memory.rows(chunks)
        scores = row_probabilities(self._component.model, memory.lexemes, rows, lengths)
        if crossing:
            rows, lengths = memory.whole_rows([texts[i] for i in crossing])
            scores[crossing] = row_probabilities(self._component.model, memory.lexemes, rows, lengths)
        return scores

    def _by_docs(self, texts: Sequence[str]) -> Scores:
        docs = list(self.component_docs(texts))
        return np.asarray(self._component.predict(docs), dtype=np.float32).reshape(len(docs), len(self.labels))

    def _names_before(self) -> list[str]:
        """RETURNS: The names of the components before ours."""
        return [name for name, _ in takewhile(lambda item: item[1] is not self._component, self._nlp.pipeline)]

    def _obstacle(self) -> str | None:
        """RETURNS: Why chunks cannot be remembered; None where they can."""
        tokenizer: Any = self._nlp.tokenizer
        if type(tokenizer) is not Tokenizer:
            return f"the tokenizer is a {type(tokenizer).__name__}, not spaCy's own"
        # A case of white space alone (spaCy has some) makes tokens of white space, which have no term.
        if any(any(map(str.isspace, case)) and not case.isspace() for case in tokenizer.rules):
            return "the tokenizer has special cases that hold white space"
        preprocessor = self._component.model.attrs["preprocessor"]
        if not isinstance(preprocessor, TokenPreprocessor):
            return f"{type(preprocessor).__name__} looks at more than the tokens"
        for name in self._names_before():
            if self._nlp.get_pipe_meta(name).retokenizes:
                return f"the component '{name}' changes the tokens"
        return None


def _blocks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """YIELDS: The texts in blocks, at least one."""
    ends = np.cumsum(np.fromiter((len(text) + 1 for text in texts), np.int64, len(texts)))
    start = size = 0
    while True:
        end = max(int(np.searchsorted(ends, size + _BLOCK_SIZE, side="right")), start + 1)
        yield texts[start:end]
        if end >= len(texts):
            return
        start, size = end, ends[end - 1]


def without_surrogates(text: str) -> str:
    """RETURNS: The text, U+FFFD in place of lone surrogates, which spaCy refuses."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _checked(texts: list[str]) -> list[str]:
    """RETURNS: The texts, U+FFFD for lone surrogates. Raises SentimentError where one is not a str."""
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return list(map(without_surrogates, texts))
    except TypeError:
        index, value = next((i, text) for i, text in enumerate(texts) if not isinstance(text, str))
        raise SentimentError(Errors.S051.format(index=index, value=repr(value)[:40])) from None
    return texts
