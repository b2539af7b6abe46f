"""Score raw texts without making Docs: texts to the probabilities of `doc.cats`, float32 (n_texts, n_labels).

spaCy's tokenizer splits each chunk between white space on its own. So the tokens of a chunk are found once and
remembered, and a text is scored by splitting it and looking its chunks up.
"""

import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from functools import lru_cache
from itertools import islice, takewhile
from pathlib import Path
from typing import Any, cast, overload

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc
from spacy.util import load_model_from_config
from thinc.api import Config, Model

from ..about import BUNDLED_MODEL
from ..component import TraxSentiment
from ..errors import Errors, SentimentError, errors_at
from ..model.inputs import doc_batches_with, doc_tokens, docs_scored, scoring_models, token_preprocessor
from ..model.targets import target_model, target_probabilities, token_span
from ..pipelines import find_component, load, saved_state
from ..pretrained import pretrained_path
from ..text.arrays import Ragged
from ..text.cleaning import without_surrogates
from ..text.labels import Scored, chosen_labels
from .chunk_cache import MAX_CHUNKS
from .chunk_tokenizer import tokenized
from .model_scorer import ModelScorer

logger = logging.getLogger(__name__)

Scores = NDArray[np.float32]

Targets = Iterable[Sequence[tuple[int, int]]]
"""For each text its targets, each from a character to before another."""

# Characters of the texts that are scored at a time. The arrays for them take about 30 MB.
_BLOCK_SIZE = 1 << 20


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
        self._nlp, self._tokenizer, self._max_chunks = nlp, cast(Tokenizer, nlp.tokenizer), max_chunks
        self._lock = threading.Lock()  # of the pipeline's vocabulary
        self._bundled: tuple[str, Sequence[str] | None] | None = None
        self._component = find_component(nlp)
        self._component.require_weights()
        self.labels: tuple[str, ...] = self._component.labels
        self._scorers: dict[int, ModelScorer] = {}  # by the model's id
        reason = reason_for_docs(nlp, self._component)
        if reason is not None:
            logger.warning("TextScorer makes a Doc of each text, which is slower: %s.", reason)
            return
        for model in scoring_models(self._component.model):
            self._scorer(model)

    @classmethod
    def load(cls, model: str | Path = BUNDLED_MODEL, *, labels: Sequence[str] | None = None) -> "TextScorer":
        """Load a scorer.

        Args:
            model: A pipeline directory, or the name of a bundled model (`en`, `en_ternary`, `en_trf`, `en_auto`).
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

    @overload
    def predict_proba(self, texts: Iterable[str]) -> Scores: ...
    @overload
    def predict_proba(self, texts: Iterable[str], targets: Targets) -> Ragged: ...
    def predict_proba(self, texts: Iterable[str], targets: Targets | None = None) -> Scores | Ragged:
        """Score texts, or what they express toward targets.

        Args:
            texts: The texts. A lone surrogate, which spaCy refuses, counts as U+FFFD. Texts may exceed
                `nlp.max_length`.
            targets: For each text, a list of targets: for each its first character and the one after its last. A target
                that begins or ends within a token is taken for all of the token. None to score the texts themselves.

        Returns:
            The probabilities, float32 (n_texts, n_labels). The columns are in the order of `labels`. With targets, a
            `Ragged`: the attribute `values`, float32 (n_targets, n_labels), holds those of all texts' targets in order,
            and `lengths`, int64 (n_texts,), the number of targets of each text; `split()` returns an array per text.

        Raises:
            SentimentError: A text is not a str, a target is empty or not in its text, or the model cannot score
                targets.
        """
        if targets is None:
            return self.scored(texts).probabilities
        return self._of_targets(list(_several(texts)), list(targets))

    __call__ = predict_proba

    def _of_targets(self, texts: list[str], targets: Sequence[Sequence[tuple[int, int]]]) -> Ragged:
        model = target_model(self._component.model)
        if len(texts) != len(targets):
            raise SentimentError(Errors.S206.format(n_texts=len(texts), n_targets=len(targets)))
        found: list[Ragged] = []
        # Without a zone, the vocabulary would grow with each new word.
        with self._lock, nullcontext() if self._nlp.vocab.in_memory_zone else self._nlp.memory_zone():  # type: ignore[attr-defined]
            docs = component_docs(self._nlp, self._component, _checked(texts))
            for batch, of_batch in doc_batches_with(docs, enumerate(targets)):
                spans = []
                for doc, (i, of_text) in zip(batch, of_batch, strict=True):
                    with errors_at(f"text {i}"):
                        spans.append([token_span(doc, *target) for target in of_text])
                found.append(target_probabilities(model, doc_tokens(model, batch), spans))
        empty = Ragged(np.empty((0, len(self.labels)), dtype=np.float32), np.empty(0, dtype=np.int64))
        return Ragged(*map(np.concatenate, zip(empty, *found, strict=True)))

    def scored_targets(self, texts: Sequence[str], spans: Sequence[tuple[int, int] | None]) -> Scored:
        """Return the probabilities of each text's target, NaN if it is None; see `predict_proba`."""
        found = self._of_targets(list(texts), [[] if span is None else [span] for span in spans])
        probabilities = np.full((len(found.lengths), len(self.labels)), np.nan, dtype=np.float32)
        probabilities[found.lengths > 0] = found.values
        # Equal probabilities are no evidence, as in `TargetSentiment`.
        return Scored(probabilities, probabilities.max(axis=1) != probabilities.min(axis=1))

    def scored(self, texts: Iterable[str]) -> Scored:
        """Return the probabilities of texts, and whether there is evidence in them; see `predict_proba`."""
        texts = list(_several(texts))
        try:
            return self._of_all(texts)
        except (TypeError, UnicodeEncodeError):
            return self._of_all(_checked(texts))

    def predict(self, texts: Iterable[str]) -> list[str | None]:
        """Return the most probable label of each text.

        A text in which the model recognizes nothing is neutral if the model has this label, else its label is None.
        Takes and raises what `predict_proba` does.
        """
        return chosen_labels(self.labels, self.scored(texts))

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
        return self._pipe(iter(_several(texts)), batch_size)

    def _pipe(self, texts: Iterator[str], batch_size: int) -> Iterator[Scores]:
        while batch := list(islice(texts, batch_size)):
            yield from self.predict_proba(batch)

    def _of_all(self, texts: Sequence[str]) -> Scored:
        model = self._component.model
        if not self._scorers:
            return docs_scored(model, list(component_docs(self._nlp, self._component, _checked(list(texts)))))
        found = [model.attrs["score_texts"](model, block, self._scored_by) for block in blocks(texts)]
        return Scored(*map(np.concatenate, zip(*found, strict=True)))

    def _scored_by(self, model: Model[Any, Any], texts: Sequence[str]) -> Scored:
        return self._scorer(model).scored(texts)

    def _scorer(self, model: Model[Any, Any]) -> ModelScorer:
        scorer = self._scorers.get(model.id)
        if scorer is None or not scorer.is_current:
            self._scorers[model.id] = scorer = ModelScorer(self._tokenizer, model, self._max_chunks)
        return scorer


def _unpickled(config: str, data: bytes, max_chunks: int) -> TextScorer:
    nlp = load_model_from_config(Config().from_str(config, interpolate=False))
    return TextScorer(nlp.from_bytes(data), max_chunks=max_chunks)


def scorer_for(model: str | Path, labels: Sequence[str] | None = None) -> TextScorer:
    """Return the scorer of a model, which each process loads once, or again if another was saved in its place."""
    return _scorer_of(model, None if labels is None else tuple(labels), saved_state(Path(model)))


@lru_cache(maxsize=4)
def _scorer_of(model: str | Path, labels: tuple[str, ...] | None, _: object) -> TextScorer:
    return TextScorer.load(model, labels=labels)


def component_docs(nlp: Language, component: TraxSentiment, texts: Iterable[str]) -> Iterator[Doc]:
    """Yield the Docs of texts as the pipeline hands them to the component."""
    docs = (tokenized(nlp.tokenizer, text) for text in texts)
    return nlp.pipe(docs, disable=nlp.pipe_names[len(_names_before(nlp, component)) :])


def reason_for_docs(nlp: Language, component: TraxSentiment) -> str | None:
    """Return why texts can only be scored by making Docs of them, or None if they can be scored without."""
    tokenizer: Any = nlp.tokenizer
    if type(tokenizer) is not Tokenizer:
        return f"the tokenizer is a {type(tokenizer).__name__}, not spaCy's own"
    # spaCy has special cases of white space alone. They make tokens of white space, which have no term.
    if any(any(map(str.isspace, case)) and not case.isspace() for case in tokenizer.rules):
        return "the tokenizer has special cases that hold white space"
    for model in scoring_models(component.model):
        if not token_preprocessor(model).by_token:
            return f"{type(model.attrs['preprocessor']).__name__} looks at more than the tokens"
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


def _several(texts: Iterable[str]) -> Iterable[str]:
    """Return the texts, or raise SentimentError if they are one str, whose characters would be scored."""
    if isinstance(texts, str):
        raise SentimentError(Errors.S050.format(value=repr(texts[:40])))
    return texts


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
