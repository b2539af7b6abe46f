"""Measure what each step of TextScorer's fast path gains: each is taken out in turn, in one run with VADER.

    python benchmarks/ablation.py [--texts TWEETS.jsonl] [--first-sight MORE.jsonl]

Figures are processor time. No score may change. Without files, it measures on the few bundled texts. Needs `bench`.
"""

import argparse
import gc
import time
from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from report import at_least, at_most, print_bounds, print_machine, print_table
from spacy.strings import hash_string  # type: ignore[attr-defined]
from speed import read_texts
from speed_peers import VADER, vader

from spacy_trax_sentiment import TextScorer, load
from spacy_trax_sentiment.bulk import byte_patterns, chunk_cache, chunk_tokenizer, whitespace
from spacy_trax_sentiment.model import folded
from spacy_trax_sentiment.text.features import feature_ids
from spacy_trax_sentiment.text.token_preprocessor import TokenPreprocessor

ALL, PASSES = "nothing", 9
BULK, TEXT = "spacy_trax_sentiment.bulk.", "spacy_trax_sentiment.text."


class DictTable(dict[int, int]):
    def look_up(self, keys: Any) -> tuple[Any, Any]:
        values = np.array([self.get(key, -1 if key else 0) for key in keys.tolist()], dtype=np.int32)
        return np.maximum(values, 0), np.flatnonzero(values < 0)

    def add(self, keys: Any, values: Any) -> None:
        self.update(zip(keys.tolist(), values.tolist(), strict=True))


def split_by_str(texts: Any) -> whitespace.Chunks:
    chunks = list(map(str.split, texts))
    flat = list(chain.from_iterable(chunks))
    encoded = [b" " * 7, *map(str.encode, flat), b" " * 8]
    ends = np.cumsum([len(chunk) + 1 for chunk in encoded]) - 1
    keys = np.array(list(map(hash_string, flat)), dtype=np.uint64)
    return whitespace.Chunks(keys, np.array([*map(len, chunks)], int), b" ".join(encoded), ends[:-2] + 1, ends[1:-1])


def with_all_cases(self: Any, *arguments: Any, make: Any = chunk_tokenizer.ChunkTokenizer.__init__) -> None:
    make(self, *arguments)
    self.tokens(["\n".join(self.cases.tokens)])


no_patterns = (f"{BULK}ladder.one_token_patterns", lambda chunks, new: np.zeros(len(new), dtype=np.int64))
no_words = (f"{BULK}ladder.marked_words", lambda chunks, new, cases: byte_patterns.marked_words(chunks, new[:0], cases))
forgetful = (f"{BULK}chunk_cache.ChunkCache.renewed", lambda self: chunk_cache.ChunkCache(self._ladder))
tables = (f"{BULK}chunk_cache.HashTable", f"{BULK}byte_patterns.HashTable", f"{TEXT}lexeme_cache.HashTable")
by_ids = lambda self, features: folded.log_probabilities(self.folded, feature_ids(self.cache, features))  # noqa: E731
matrix = "spacy_trax_sentiment.model.folded.LexemeMatrix.log_probabilities"
side_by_side = f"{TEXT}sentiment_terms.SentimentTerms.side_by_side"

# The part that is taken out, and what takes its place.
ABLATIONS: dict[str, list[tuple[str, Any]]] = {
    ALL: [],
    "split and hashed as arrays: whitespace.py, hashing.py": [(f"{BULK}text_scorer.split", split_by_str)],
    "hash tables, for dicts: text/hash_table.py": [(table, DictTable) for table in tables],
    "chunks remembered: chunk_cache.py": [(f"{BULK}chunk_cache.ChunkCache.is_full", True), forgetful],
    "mentions, links and numbers: byte_patterns.py": [no_patterns],
    "words with a mark: byte_patterns.py": [no_words],
    "simple rules: simple_tokens.py": [(f"{BULK}ladder.simple_tokens", lambda chunk, cases: None)],
    "all but spaCy's tokenizer": [(f"{BULK}chunk_tokenizer.knows_rules", lambda tokenizer: False)],
    "cases added as needed: chunk_tokenizer.py": [(f"{BULK}chunk_tokenizer.ChunkTokenizer.__init__", with_all_cases)],
    "words side by side: text/sentiment_terms.py": [(side_by_side, TokenPreprocessor.side_by_side)],
    "a sum per lexeme: model/folded.py": [(matrix, by_ids)],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--texts", type=Path, help="JSONL file whose `text` is scored again and again")
    parser.add_argument("--first-sight", type=Path, help="JSONL file whose `text` is scored once; --texts by default")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    texts, once = (read_texts(path) for path in (arguments.texts, arguments.first_sight or arguments.texts))
    print_machine(("spacy", "numpy", "vaderSentiment"))
    figures: dict[str, list[Any]] = {name: [] for name in (*ABLATIONS, VADER)}
    scores: dict[str, Any] = {}
    for name in [*ABLATIONS, VADER] * arguments.rounds:
        for target, replacement in ABLATIONS.get(name, []):
            patch(target, replacement).start()
        nlp = load("en")
        TextScorer(nlp)  # reads the weights
        make = vader if name == VADER else partial(TextScorer, nlp)
        first = seconds(lambda: make()(once))  # noqa: B023
        score = make()
        scores[name] = score(texts)
        warm = np.median([seconds(lambda: score(texts)) for _ in range(PASSES)])  # noqa: B023
        figures[name].append((first / len(once), warm / len(texts)))
        patch.stopall()
    micro = {name: np.median(each, axis=0) * 1e6 for name, each in figures.items()}
    ratios = {name: micro[VADER] / each for name, each in micro.items()}
    rows = [
        (name, *(f"{x:.2f}" for pair in zip(micro[name], ratios[name], strict=True) for x in pair)) for name in micro
    ]
    title = f"{len(once):,} texts at first sight, {len(texts):,} warm; medians of {arguments.rounds} rounds"
    print_table(title, ("taken out", "first sight, us/text", "x VADER", "warm, us/text", "x VADER"), rows)
    furthest = max(float(np.abs(scores[name] - scores[ALL]).max()) for name in ABLATIONS)
    bounds = [at_most("furthest that scores are apart, in millionths", furthest * 1e6, 1)]
    if arguments.first_sight:
        bounds += [at_least("first sight, x VADER", ratios[ALL][0], 2), at_least("warm, x VADER", ratios[ALL][1], 10)]
    print_bounds(bounds)


def seconds(run: Callable[[], object]) -> float:
    gc.collect()
    start, _ = time.process_time(), run()
    return time.process_time() - start


if __name__ == "__main__":
    main()
