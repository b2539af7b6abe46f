"""Docs to the spans to judge: entities, noun chunks, matches of patterns, and spans that are there already."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from spacy.matcher import Matcher, PhraseMatcher
from spacy.pipeline.span_ruler import prioritize_existing_ents_filter
from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab
from thinc.types import Ragged

from ..errors import Errors, SentimentError, reason_of

SOURCES = ("ents", "noun_chunks", "patterns", "spans")


class TargetSpans:
    """A suggester of spans, as spaCy's `spancat` has one. Its settings are those of `trax_target_sentiment`."""

    def __init__(
        self, vocab: Vocab, tokenizer: Tokenizer, sources: Sequence[str], patterns: Iterable[Any], spans_key: str
    ) -> None:
        unknown = [source for source in sources if source not in SOURCES]
        if unknown or not sources:
            value = ", ".join(map(repr, unknown)) or "[]"
            raise SentimentError(Errors.S207.format(value=value, known=", ".join(SOURCES)))
        self._vocab, self._tokenizer, self._sources, self._spans_key = vocab, tokenizer, tuple(sources), spans_key
        self._phrases: list[str] = []
        vocab.strings.add("target")  # or the first memory zone, which can be over when there is another, would add it
        self._matcher = Matcher(vocab, validate=True)
        for pattern in patterns:
            self._add(pattern.get("pattern") if isinstance(pattern, dict) else pattern)

    def __call__(self, docs: Iterable[Doc], *, ops: Any = None) -> Ragged:
        """Return the spans of Docs as suggesters do, int32 (n_spans, 2), with the number of each Doc's."""
        found = [np.array(self.spans(doc), dtype=np.int32).reshape(-1, 2) for doc in docs]
        empty = np.empty((0, 2), dtype=np.int32)
        return Ragged(np.concatenate([empty, *found]), np.array(list(map(len, found)), dtype=np.int32))  # type: ignore

    def spans(self, doc: Doc) -> list[tuple[int, int]]:
        """Return the spans of a Doc in text order, each once.

        Those of the source "spans" are all kept. Of the others that overlap, the longest is kept, of equally long ones
        the first; and none that overlaps one of the source "spans".
        """
        given = doc.spans.get(self._spans_key, ()) if "spans" in self._sources else ()
        kept = prioritize_existing_ents_filter([span for span in given if len(span)], self._found(doc))
        return sorted({(span.start, span.end) for span in kept})

    def _found(self, doc: Doc) -> list[Span]:
        found: list[Span] = []
        if "ents" in self._sources:
            found += doc.ents
        if "noun_chunks" in self._sources and doc.vocab.get_noun_chunks is not None and doc.has_annotation("DEP"):
            found += doc.noun_chunks
        if "patterns" in self._sources:
            matches = [*(self._matcher(doc) if len(self._matcher) else ()), *self._phrase_matcher(doc)]
            found += [doc[start:end] for _, start, end in matches if start < end]  # type: ignore[misc]
        return found

    @cached_property
    def _phrase_matcher(self) -> PhraseMatcher:
        # Made late, because the tokenizer of a saved pipeline is loaded after its components are made.
        matcher = PhraseMatcher(self._vocab, attr="LOWER")
        matcher.add("target", [self._tokenizer(phrase) for phrase in self._phrases])
        return matcher

    def _add(self, pattern: Any) -> None:
        try:
            if isinstance(pattern, str) and pattern.strip():
                self._phrases.append(pattern)
            else:
                self._matcher.add("target", [pattern])
        except (TypeError, ValueError) as error:
            raise SentimentError(Errors.S208.format(value=repr(pattern)[:60], reason=reason_of(error))) from None
