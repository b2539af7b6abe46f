"""The JSON of `POST /v1/sentiment`: a body to texts, and their probabilities or contributions to an answer."""

import json
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from spacy.language import Language

from ..bulk.text_scorer import Scores, TextScorer, component_docs, reason_for_docs, without_surrogates
from ..pipelines import find_component
from ..tables.lines import brief
from ..tables.rows import Added, as_json
from ..tables.scored import sentiment_columns
from .limits import Limits, RefusedError
from .rows import RowFormat

# Texts that are scored at a time: other threads wait for the memory of chunks no longer than that takes.
BATCH_SIZE = 1000

_FIELDS = ("text", "texts", "contributions")


class Question(NamedTuple):
    """What is asked: of which texts, and whether with contributions."""

    texts: list[str]
    contributions: bool


def parse_question(body: bytes, limits: Limits) -> Question:
    """Raises RefusedError where the body is not JSON, not such a question, or asks for too much."""
    content = _parse_json(body)
    if not isinstance(content, dict):
        raise _invalid(f'The body is {_kind(content)}. Send an object: {{"text": "..."}} or {{"texts": [...]}}.')
    if not content.keys() <= set(_FIELDS):
        unknown = next(name for name in content if name not in _FIELDS)
        raise _invalid(f"The field {brief(without_surrogates(unknown))} is unknown. There are: {', '.join(_FIELDS)}.")
    if ("text" in content) == ("texts" in content):
        raise _invalid("Give one of the fields 'text' (a string) and 'texts' (an array of strings).")
    contributions = content.get("contributions", False)
    if not isinstance(contributions, bool):
        raise _invalid(f"'contributions' is {_kind(contributions)}. Give true or false.")
    texts = content["texts"] if "texts" in content else [content["text"]]
    if not isinstance(texts, list):
        raise _invalid(f"'texts' is {_kind(texts)}. Give an array of strings; of one text, 'text'.")
    if set(map(type, texts)) - {str}:
        index, value = next((i, text) for i, text in enumerate(texts) if not isinstance(text, str))
        what = f"'texts[{index}]'" if "texts" in content else "'text'"
        raise _invalid(f"{what} is {_kind(value)}. Give a string.")
    _check_size(texts, contributions, limits)
    return Question(texts, contributions)


class Answering:
    """Answers questions with a pipeline. Threads may share one."""

    def __init__(self, nlp: Language) -> None:
        """Raises SentimentError where the pipeline has no component of this package, ValueError (spaCy's E109) where
        that is not trained.
        """
        self._nlp, self._component = nlp, find_component(nlp)
        self._scorer = TextScorer(nlp)
        self._makes_docs = reason_for_docs(nlp, self._component) is not None
        self.labels = self._scorer.labels
        self._rows = RowFormat(self.labels)
        self.labels_json = json.dumps(self.labels)
        self._lock = threading.Lock()  # of the pipeline's vocabulary

    @property
    def is_quick(self) -> bool:
        """Whether few texts without contributions are scored in no time that others would notice."""
        return not self._makes_docs

    def answer(self, question: Question) -> bytes:
        """RETURNS: The answer, as JSON."""
        if question.contributions:
            results = ",".join(map(as_json, self._explained(question.texts))).encode("utf-8", "replace")
        else:
            results = self._rows.lines(self.scores(question.texts))[:-1].replace(b"\n", b",\n")
        return b'{"labels":%b,"results":[%b]}' % (self.labels_json.encode(), results)

    def scores(self, texts: Sequence[str]) -> Scores:
        """RETURNS: float32 probabilities (n_texts, n_labels)."""
        if not self._makes_docs:
            return self._scores(texts)
        with self._lock, self._nlp.memory_zone():
            return self._scores(texts)

    def _scores(self, texts: Sequence[str]) -> Scores:
        if len(texts) <= BATCH_SIZE:
            return self._scorer(texts)
        starts = range(0, len(texts), BATCH_SIZE)
        return np.concatenate([self._scorer(texts[start : start + BATCH_SIZE]) for start in starts])

    def text_results(self, texts: Sequence[str]) -> list[str]:
        """RETURNS: The results, as JSON, with the texts."""
        lines = self._rows.lines(self.scores(texts)).decode("ascii").splitlines()
        return [f'{{"text":{json.dumps(text)},{line[1:]}' for text, line in zip(texts, lines, strict=True)]

    def columns(self, texts: Sequence[str]) -> Added:
        """RETURNS: What `trax-sentiment predict` adds to a table."""
        return sentiment_columns(self.labels, self.scores(texts))

    def _explained(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        # The strings of these Docs are forgotten, or the vocabulary would grow with each new word.
        with self._lock, self._nlp.memory_zone():
            docs = component_docs(self._nlp, self._component, map(without_surrogates, texts))
            return [self._component.explain(doc).to_dict() for doc in docs]


def check_lengths(texts: Sequence[str], limits: Limits) -> None:
    """Raises RefusedError where a text is too long."""
    if max(map(len, texts), default=0) > limits.text_chars:
        index = next(i for i, text in enumerate(texts) if len(text) > limits.text_chars)
        raise _too_much(
            f"Text {index} has {len(texts[index]):,} characters, more than {limits.text_chars:,}. Send it in parts."
        )


def _check_size(texts: list[str], contributions: bool, limits: Limits) -> None:
    most = limits.explained_texts if contributions else limits.texts
    asked = " with contributions" if contributions else ""
    if len(texts) > most:
        raise _too_much(f"There are {len(texts):,} texts, more than {most:,}{asked}. Send them in parts.")
    check_lengths(texts, limits)
    if contributions and sum(map(len, texts)) > limits.explained_chars:
        n_chars = sum(map(len, texts))
        raise _too_much(
            f"The texts have {n_chars:,} characters, more than {limits.explained_chars:,}{asked}. Send them in parts."
        )


def _parse_json(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 at byte {error.start}"
    except RecursionError:
        reason = "nested too deep"
    except json.JSONDecodeError as error:
        reason = f"{error.msg} at line {error.lineno}, column {error.colno}"
    except ValueError as error:
        reason = str(error).split(";")[0]  # of a number of very many digits, where Python's limit stands after it
    raise RefusedError(400, "invalid_json", f"The body is not JSON: {reason}.")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _kind(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    if isinstance(value, str):
        return "a string"
    return "a number"


def _invalid(message: str) -> RefusedError:
    return RefusedError(422, "invalid_request", message)


def _too_much(message: str) -> RefusedError:
    return RefusedError(413, "too_large", message)
