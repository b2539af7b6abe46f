"""Request bodies to questions, and questions to answers: each text's probabilities or contributions, as JSON."""

import json
import threading
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, repeat
from string import ascii_letters, digits
from typing import Any

import numpy as np
from pydantic import ValidationError
from pydantic_core import from_json, to_json
from spacy.language import Language

from ..bulk.text_scorer import TextScorer, blocks, component_docs, reason_for_docs
from ..explanation.target_sentiment import TargetSentiment
from ..model.inputs import scoring_models
from ..model.targets import has_target_head
from ..model.thinc_model import folds
from ..pipelines import find_component
from ..tables.lines import brief
from ..text.cleaning import without_surrogates
from ..text.labels import NEGATIVE, POSITIVE, Scored, chosen_labels, has_poles
from .limits import Limits, RefusedError, check_targets, check_texts
from .schema import Question

BATCH_CHARS, _TEXT_CHARS = 1 << 16, 1 << 7
"""The characters that are scored at a time, and those that each text counts for besides its own: 300 tweets or one long
text. Other threads, among them that of the event loop, wait for some of the steps."""

# The most that is scored on the event loop: the number of texts; their characters; their bytes (in UTF-8) other than
# ASCII letters, digits and spaces; and the characters of a chunk. Ten tweets take 0.6 ms, and 3 ms if all their words
# are new. The slowest texts found, of digits or punctuation, take 5 ms.
_QUICK_TEXTS, _QUICK_CHARS, _QUICK_MARKS, _QUICK_CHUNK = 10, 1_250, 150, 64
_PLAIN = f"{ascii_letters}{digits} \n".encode()

_DECIMALS = 6

# In place of pydantic's own, which speak of Python.
_MESSAGES = {
    "model_type": 'Send an object: {"text": "..."} or {"texts": [...]}',
    "extra_forbidden": f"There is no such field. The fields are {', '.join(Question.model_fields)}",
}


def parse_question(body: bytes, limits: Limits) -> Question:
    """Return the question that a request's body asks, or raise RefusedError if it is none or exceeds the limits."""
    try:
        found = _parse_json(body.removeprefix(BOM_UTF8))
        if isinstance(found, dict):  # an error for each of a million fields would take all memory
            found = dict(islice(found.items(), len(Question.model_fields) + 1))
        question = Question.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = "".join(f"[{each}]" if isinstance(each, int) else each for each in first["loc"])
        message = _MESSAGES.get(first["type"], first["msg"])
        raise RefusedError(422, "invalid_request", f"{brief(place)}: {message}." if place else f"{message}.") from None
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "invalid_json", f"The body is not JSON in UTF-8: {error}.") from None
    texts = question.all_texts()
    check_texts(texts, limits, contributions=question.contributions)
    if (targets := question.all_targets()) is not None:
        check_targets(texts, targets, limits)
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
    of_labels: list[dict[Any, Any]] = list(map(dict, map(zip, repeat(labels), rows)))  # twice as fast as a loop
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
        has_targets: Whether the model can score targets.
    """

    def __init__(self, nlp: Language) -> None:
        self._nlp, self._component = nlp, find_component(nlp)
        self._scorer = TextScorer(nlp)
        self._needs_docs = reason_for_docs(nlp, self._component) is not None
        self.is_additive = folds(self._component.model)
        self.has_targets = any(map(has_target_head, scoring_models(self._component.model)))
        self.labels = self._scorer.labels
        self._lock = threading.Lock()  # of the pipeline's vocabulary
        self.scored(["What is made at first use, is made now :)", "Not later"])  # the second is read by a cascade

    def is_quick(self, question: Question) -> bool:
        """Return whether answering takes no time that other clients would notice: a few short texts, by a sum."""
        if question.contributions or question.targets or self._needs_docs or not self.is_additive:
            return False
        texts = question.all_texts()
        if len(texts) > _QUICK_TEXTS or sum(map(len, texts)) > _QUICK_CHARS:
            return False
        text = "\n".join(texts)
        n_marks = len(text.encode(errors="replace").translate(None, _PLAIN))
        return n_marks <= _QUICK_MARKS and max(map(len, text.split()), default=0) <= _QUICK_CHUNK

    def answer(self, question: Question) -> bytes:
        """Return the JSON that answers a question. Targets raise RefusedError if the model cannot score them."""
        texts, targets = question.all_texts(), question.all_targets()
        results, size = self._results, BATCH_CHARS
        if question.contributions:
            results, size = self._explained, BATCH_CHARS // 4
        batches: Iterable[list[dict[str, Any]]] = map(results, blocks(texts, size, _TEXT_CHARS))
        if targets is not None:
            if not self.has_targets:
                message = "This model cannot score targets. Serve one that can, such as en_trf."
                raise RefusedError(422, "no_targets", message)
            batches = self._with_targets(blocks(texts, size, _TEXT_CHARS), batches, targets)
        return answer_json(self.labels, batches)

    def _with_targets(
        self, blocks: Iterable[Sequence[str]], batches: Iterable[list[dict[str, Any]]], targets: Sequence[Any]
    ) -> Iterator[list[dict[str, Any]]]:
        """Yield batches of results, of blocks of texts, with those of their targets."""
        remaining = iter(targets)
        for texts, results in zip(blocks, batches, strict=True):
            of_texts = list(islice(remaining, len(texts)))
            with self._lock:
                found = self._scorer.predict_proba(texts, of_texts).split()
            for result, spans, scores in zip(results, of_texts, found, strict=True):
                rows = scores.astype(np.float64).round(_DECIMALS).tolist()
                result["targets"] = [
                    {"start": start, "end": end, **TargetSentiment(self.labels, tuple(row)).to_dict()}
                    for (start, end), row in zip(spans, rows, strict=True)
                ]
            yield results

    def scored(self, texts: Sequence[str]) -> Scored:
        """Return the scores of texts."""
        if not self._needs_docs:
            return self._scorer.scored(texts)
        with self._lock, self._nlp.memory_zone():
            return self._scorer.scored(texts)

    def _results(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        return text_results(self.labels, self.scored(texts))

    def _explained(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        # The strings of these Docs are forgotten, or the vocabulary would grow with each new word.
        with self._lock, self._nlp.memory_zone():
            docs = component_docs(self._nlp, self._component, texts)
            return [self._component.explain(doc).to_dict() for doc in docs]
