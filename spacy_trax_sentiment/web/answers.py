"""Request bodies to questions, and questions to answers: each text's probabilities or contributions, as JSON."""

import json
import threading
from codecs import BOM_UTF8
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from pydantic import ValidationError
from pydantic_core import from_json, to_json
from spacy.language import Language

from ..bulk.text_scorer import TextScorer, component_docs, reason_for_docs, without_surrogates
from ..explanation.polarity import NEGATIVE, POSITIVE, has_poles
from ..model.thinc_model import folds
from ..pipelines import find_component
from ..tables.lines import brief
from ..text.labels import Scored, chosen_labels
from .limits import Limits, RefusedError, check_texts
from .schema import Question

BATCH_SIZE = 1000
"""The texts that are scored at a time. Other threads wait no longer than that takes for the cache of chunks."""

_DECIMALS = 6

# In place of pydantic's own, which speak of Python.
_MESSAGES = {
    "model_type": 'Send an object: {"text": "..."} or {"texts": [...]}',
    "extra_forbidden": f"There is no such field. The fields are {', '.join(Question.model_fields)}",
}


def parse_question(body: bytes, limits: Limits) -> Question:
    """Return the question that a request's body asks, or raise RefusedError if it is none or exceeds the limits."""
    try:
        question = Question.model_validate(_parse_json(body.removeprefix(BOM_UTF8)))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = "".join(f"[{each}]" if isinstance(each, int) else each for each in first["loc"])
        message = _MESSAGES.get(first["type"], first["msg"])
        raise RefusedError(422, "invalid_request", f"{brief(place)}: {message}." if place else f"{message}.") from None
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "invalid_json", f"The body is not JSON in UTF-8: {error}.") from None
    check_texts(question.all_texts(), limits, contributions=question.contributions)
    return question


def _parse_json(body: bytes) -> Any:
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError:
        # Lone surrogates, which pydantic refuses, count as U+FFFD. Python's parser takes them.
        if b"\\u" not in body:
            raise
        whole = without_surrogates(json.dumps(json.loads(body), ensure_ascii=False))
        return from_json(whole, allow_inf_nan=False)


def text_results(labels: Sequence[str], scored: Scored) -> list[dict[str, Any]]:
    """Return a dict per text, as `Sentiment.to_dict` begins."""
    probabilities = scored.probabilities
    columns = dict(zip(labels, probabilities.T.astype(np.float64), strict=True))
    rows = probabilities.astype(np.float64).round(_DECIMALS).tolist()
    of_labels: list[dict[str | None, float]] = [dict(zip(labels, row, strict=True)) for row in rows]
    polarities: Sequence[float | None] = [None] * len(rows)
    log_odds = polarities
    if has_poles(labels):
        polarities = (columns[POSITIVE] - columns[NEGATIVE]).round(_DECIMALS).tolist()
        smallest = np.finfo(np.float32).tiny  # in place of 0, which has no logarithm
        positive, negative = (np.log(np.maximum(columns[label], smallest)) for label in (POSITIVE, NEGATIVE))
        log_odds = (positive - negative).round(_DECIMALS).tolist()
    return [
        {
            "label": label,
            "probability": of_label.get(label),
            "probabilities": of_label,
            "polarity": polarity,
            "log_odds": odds,
        }
        for label, of_label, polarity, odds in zip(
            chosen_labels(labels, scored), of_labels, polarities, log_odds, strict=True
        )
    ]


def answer_json(labels: Sequence[str], batches: Iterable[list[dict[str, Any]]]) -> bytes:
    """Return the JSON of an answer. Batches of results are made one by one, as they are larger than their JSON."""
    parts = [to_json(results, inf_nan_mode="null")[1:-1] for results in batches]
    return b'{"labels":%b,"results":[%b]}' % (to_json(labels), b",".join(filter(None, parts)))


class Answering:
    """Answers questions with a pipeline. Threads may share it.

    Attributes:
        labels: The component's labels.
        is_additive: Whether the model is a sum over terms.
        is_quick: Whether scoring a few texts takes no time that other clients would notice: by a sum, without Docs.
    """

    def __init__(self, nlp: Language) -> None:
        self._nlp, self._component = nlp, find_component(nlp)
        self._scorer = TextScorer(nlp)
        self._needs_docs = reason_for_docs(nlp, self._component) is not None
        self.is_additive = folds(self._component.model)
        self.is_quick = self.is_additive and not self._needs_docs
        self.labels = self._scorer.labels
        self._lock = threading.Lock()  # of the pipeline's vocabulary

    def answer(self, question: Question) -> bytes:
        """Return the JSON that answers a question."""
        texts = question.all_texts()
        results = self._explained(texts) if question.contributions else text_results(self.labels, self.scored(texts))
        return answer_json(self.labels, [results])

    def scored(self, texts: Sequence[str]) -> Scored:
        """Return the scores of texts."""
        if not self._needs_docs:
            return self._scored(texts)
        with self._lock, self._nlp.memory_zone():
            return self._scored(texts)

    def _scored(self, texts: Sequence[str]) -> Scored:
        if len(texts) <= BATCH_SIZE:
            return self._scorer.score(texts)
        starts = range(0, len(texts), BATCH_SIZE)
        parts = [self._scorer.score(texts[start : start + BATCH_SIZE]) for start in starts]
        return Scored(*map(np.concatenate, zip(*parts, strict=True)))

    def _explained(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        # The strings of these Docs are forgotten, or the vocabulary would grow with each new word.
        with self._lock, self._nlp.memory_zone():
            docs = component_docs(self._nlp, self._component, texts)
            return [self._component.explain(doc).to_dict() for doc in docs]
