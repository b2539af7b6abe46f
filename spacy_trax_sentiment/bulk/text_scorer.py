"""Score raw texts without making Docs: texts to the probabilities of `doc.cats`, float32 (n_texts, n_labels).

spaCy's tokenizer splits each chunk between white space on its own. So the tokens of a chunk are found once and
remembered, and a text is scored by splitting it and looking its chunks up.
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice, takewhile
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc
from spacy.util import load_model_from_config
from thinc.api import Config, Model

from ..about import BUNDLED_MODEL
from ..component import TraxSentiment
from ..errors import Errors, SentimentError
from ..model.inputs import doc_tokens, lexeme_cache, score, scored, token_preprocessor
from ..pipelines import find_component, load, saved_state
from ..pretrained import pretrained_path
from ..text.arrays import Ragged
from ..text.labels import Scored, chosen_labels
from .cases_across import CasesAcross
from .chunk_cache import MAX_CHUNKS, ChunkCache
from .chunk_tokenizer import ChunkTokenizer, tokenized
from .ladder import Ladder
from .whitespace import split

logger = logging.getLogger(__name__)

Scores = NDArray[np.float32]
_OfTokens = Callable[[Model[Any, Any], Ragged], Scores]

# Characters of the texts that are scored at a time. The arrays for them take about 30 MB.
_BLOCK_SIZE = 1 << 20

_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]")


class TextScorer:
    """Scores raw texts with a pipeline's `trax_sentiment` component.

    The pipeline is used as it is now. After training it further, or changing its tokenizer, make a new scorer. Threads
    may share a scorer, unless it needs Docs (then it logs a warning that says why). A scorer can be pickled: a bundled
    model travels as its name, any other as its bytes.

    Attributes:
        labels: The labels, in the order of the probabilities' columns.
    """

    def __init__(self, nlp: Language, *, max_chunks: int = MAX_CHUNKS) -> None:
        """Make a scorer of a loaded pipeline.

        Args:
            nlp: A pipeline with a trained component made by this package.
            max_chunks: Number of different chunks to remember. The default takes about 15 MB.

        Raises:
            SentimentError: The pipeline has no component made by this package.
            ValueError: The component is not trained (spaCy's E109).
        """
        self._nlp, self._max_chunks = nlp, max_chunks
        self._bundled: tuple[str, Sequence[str] | None] | None = None
        self._component = find_component(nlp)
        self._component.require_weights()
        self.labels: tuple[str, ...] = self._component.labels
        self._cache: ChunkCache | None = None
        reason = reason_for_docs(nlp, self._component)
        if reason is not None:
            logger.warning("TextScorer makes a Doc of each text, which is slower: %s.", reason)
            return
        model = self._component.model
        lexemes, alike = lexeme_cache(model), token_preprocessor(model).alike
        self._tokenizer = ChunkTokenizer(cast(Tokenizer, nlp.tokenizer), lexemes)
        self._across = CasesAcross(self._tokenizer)
        self._cache = ChunkCache(Ladder(self._tokenizer, lexemes, alike), max_chunks)

    @classmethod
    def load(cls, model: str | Path = BUNDLED_MODEL, *, labels: Sequence[str] | None = None) -> "TextScorer":
        """Load a scorer.

        Args:
            model: A pipeline directory, or the name of a bundled model (`en`, `en_ternary`, `en_trf`).
            labels: The labels to keep, as in `load`; None for all.

        Returns:
            A scorer of that pipeline.

        Raises:
            SentimentError: The pipeline cannot be loaded, or lacks the labels.
        """
        scorer = cls(load(model, labels=labels))
        if pretrained_path(model) != Path(model):
            scorer._bundled = str(model), labels
        return scorer

    def __reduce__(self) -> tuple[Any, ...]:
        if self._bundled is not None:
            return scorer_for, self._bundled
        return _unpickled, (self._nlp.config.to_str(), self._nlp.to_bytes(), self._max_chunks)

    @property
    def classes_(self) -> tuple[str, ...]:
        """The labels, under the name that scikit-learn gives them."""
        return self.labels

    def predict_proba(self, texts: Iterable[str]) -> Scores:
        """Score texts.

        Args:
            texts: The texts. A lone surrogate, which spaCy refuses, counts as U+FFFD. Texts may exceed
                `nlp.max_length`, unless Docs are needed.

        Returns:
            The probabilities, float32 (n_texts, n_labels). The columns are in the order of `labels`.

        Raises:
            SentimentError: A text is not a str.
        """
        return self._rows(texts, score)

    __call__ = predict_proba

    def score(self, texts: Iterable[str]) -> Scored:
        """Return the probabilities of texts, and whether there is evidence in them; see `predict_proba`."""
        rows = self._rows(texts, _score_and_evidence)
        return Scored(rows[:, :-1], rows[:, -1] > 0)

    def predict(self, texts: Iterable[str]) -> list[str | None]:
        """Return the most probable label of each text.

        A text in which the model recognizes nothing is neutral if the model has this label, else its label is None.
        Takes and raises what `predict_proba` does.
        """
        return chosen_labels(self.labels, self.score(texts))

    def pipe(self, texts: Iterable[str], batch_size: int = 4000) -> Iterator[Scores]:
        """Score a stream of texts, of which only a batch is in memory at a time.

        Args:
            texts: The texts, as in `predict_proba`.
            batch_size: Number of texts scored together.

        Returns:
            An iterator over the probabilities (n_labels,) of each text, in order.

        Raises:
            SentimentError: The batch size is below 1, or a text is not a str.
        """
        if batch_size < 1:
            wanted = "a number of at least 1"
            raise SentimentError(Errors.S021.format(name="batch_size", value=batch_size, wanted=wanted))
        return self._pipe(iter(texts), batch_size)

    def _pipe(self, texts: Iterator[str], batch_size: int) -> Iterator[Scores]:
        while batch := list(islice(texts, batch_size)):
            yield from self.predict_proba(batch)

    def _rows(self, texts: Iterable[str], of_tokens: _OfTokens) -> Scores:
        """Return a row of numbers per text, float32 (n_texts, ...), as `of_tokens` computes them."""
        if isinstance(texts, str):
            raise SentimentError(Errors.S050.format(value=repr(texts[:40])))
        texts = list(texts)
        try:
            return self._of_all(texts, of_tokens)
        except (TypeError, UnicodeEncodeError):
            return self._of_all(_checked(texts), of_tokens)

    def _of_all(self, texts: Sequence[str], of_tokens: _OfTokens) -> Scores:
        if self._cache is None:
            docs = list(component_docs(self._nlp, self._component, _checked(list(texts))))
            return of_tokens(self._component.model, doc_tokens(self._component.model, docs))
        return np.concatenate([self._of_block(block, of_tokens) for block in blocks(texts)])

    def _of_block(self, texts: Sequence[str], of_tokens: _OfTokens) -> Scores:
        assert self._cache is not None
        if self._cache.is_full:
            self._cache = self._cache.renewed()
        chunks = split(texts, token_preprocessor(self._component.model).informal)
        rows = of_tokens(self._component.model, self._cache.tokens(chunks))
        whole = self._across.texts(chunks)
        if whole:
            tokens = self._tokenizer.tokens([texts[i] for i in whole])
            rows[whole] = of_tokens(self._component.model, tokens)
        return rows


def _score_and_evidence(model: Model[Any, Any], tokens: Ragged) -> Scores:
    """Return probabilities, and in a last column whether there is evidence: float32 (n_texts, n_labels + 1)."""
    return np.column_stack(scored(model, tokens)).astype(np.float32)


def _unpickled(config: str, data: bytes, max_chunks: int) -> TextScorer:
    nlp = load_model_from_config(Config().from_str(config, interpolate=False))
    return TextScorer(nlp.from_bytes(data), max_chunks=max_chunks)


def scorer_for(model: str, labels: Sequence[str] | None = None) -> TextScorer:
    """Return the scorer of a model, which each process loads once, or again if another was saved in its place."""
    return _scorer_of(model, None if labels is None else tuple(labels), saved_state(Path(model)))


@lru_cache(maxsize=4)
def _scorer_of(model: str, labels: tuple[str, ...] | None, _: object) -> TextScorer:
    return TextScorer.load(model, labels=labels)


def component_docs(nlp: Language, component: TraxSentiment, texts: Iterable[str]) -> Iterator[Doc]:
    """Yield the Docs of texts as the pipeline hands them to the component."""
    docs = (tokenized(nlp.make_doc, text) for text in texts)
    return nlp.pipe(docs, disable=nlp.pipe_names[len(_names_before(nlp, component)) :])


def reason_for_docs(nlp: Language, component: TraxSentiment) -> str | None:
    """Return why texts can only be scored by making Docs of them, or None if they can be scored without."""
    tokenizer: Any = nlp.tokenizer
    if type(tokenizer) is not Tokenizer:
        return f"the tokenizer is a {type(tokenizer).__name__}, not spaCy's own"
    # spaCy has special cases of white space alone. They make tokens of white space, which have no term.
    if any(any(map(str.isspace, case)) and not case.isspace() for case in tokenizer.rules):
        return "the tokenizer has special cases that hold white space"
    if not token_preprocessor(component.model).by_token:
        return f"{type(component.model.attrs['preprocessor']).__name__} looks at more than the tokens"
    for name in _names_before(nlp, component):
        if nlp.get_pipe_meta(name).retokenizes:
            return f"the component '{name}' changes the tokens"
    return None


def _names_before(nlp: Language, component: TraxSentiment) -> list[str]:
    """Return the names of the components that run before ours."""
    return [name for name, _ in takewhile(lambda item: item[1] is not component, nlp.pipeline)]


def blocks(texts: Sequence[str], block_size: int = _BLOCK_SIZE, per_text: int = 1) -> Iterator[Sequence[str]]:
    """Yield the texts in blocks of about so many characters, at least one block. Each text counts for some more."""
    ends = np.cumsum(np.fromiter((len(text) + per_text for text in texts), np.int64, len(texts)))
    start = size = 0
    while True:
        end = max(int(np.searchsorted(ends, size + block_size, side="right")), start + 1)
        yield texts[start:end]
        if end >= len(texts):
            return
        start, size = end, ends[end - 1]


def without_surrogates(text: str) -> str:
    """Return the text with U+FFFD in place of lone surrogates, which spaCy refuses."""
    # Each on its own, because other threads wait while a codec is at work.
    return _SURROGATES.sub(lambda found: found[0].encode("utf-16", "surrogatepass").decode("utf-16", "replace"), text)


def _checked(texts: list[str]) -> list[str]:
    """Return the texts without lone surrogates, or raise SentimentError if one is not a str."""
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return list(map(without_surrogates, texts))
    except TypeError:
        index, value = next((i, text) for i, text in enumerate(texts) if not isinstance(text, str))
        raise SentimentError(Errors.S051.format(index=index, value=repr(value)[:40])) from None
    return texts
