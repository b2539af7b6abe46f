"""Compare the time of all tokens' contributions with that of scoring, on one Doc of a million tokens.

    python benchmarks/explanations.py [--texts TWEETS.jsonl] [--tokens N] [--rounds N]
    python benchmarks/explanations.py --model en_trf [--texts TWEETS.jsonl]

The contenders run in alternation, on one thread: `component.predict([doc])`; `doc._.sentiment.contributions`, computed
again in each round, although Docs cache them; and `TextScorer` on the same words as short texts. Without a file, the
words come from the bundled texts. Exits with 1 if contributions take more than twice as long as scoring.

An encoder explains 20 texts by integrated gradients instead. Exits with 1 if they miss more than they may.
"""

import argparse
import gc
import os
import statistics
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import Any

# Read as NumPy is imported.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import numpy as np
import srsly
from explanations_encoder import measure_encoder
from report import Bound, at_most, print_bounds, print_machine, print_table
from spacy.tokens import Doc

from spacy_trax_sentiment import TextScorer
from spacy_trax_sentiment.explanation import doc_extension
from spacy_trax_sentiment.model.encoder import is_encoder
from spacy_trax_sentiment.pipelines import find_component, load
from spacy_trax_sentiment.training.corpora import read_labelled_texts

MOST = 2.0
N_EXPLAINED = 20
PREDICT, CONTRIBUTIONS, SCORER = "component.predict([doc])", "doc._.sentiment.contributions", "TextScorer, short texts"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--texts", type=Path, help="JSONL file whose field `text` gives the words")
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--model", default="en")
    arguments = parser.parse_args()
    texts = (
        [text.text for text in read_labelled_texts("bundled:short_texts")]
        if arguments.texts is None
        else [str(row["text"]) for row in srsly.read_jsonl(arguments.texts)]
    )
    print_machine(("spacy", "numpy"))
    nlp = load(arguments.model)
    component = find_component(nlp)
    if is_encoder(component.model):
        finish(measure_encoder(nlp, texts[:: max(len(texts) // N_EXPLAINED, 1)][:N_EXPLAINED]), digits=4)
        return
    n_texts, doc = one_doc(nlp, texts, arguments.tokens)
    scorer = TextScorer(nlp)
    short = list(islice(cycle(texts), n_texts))

    def contributions() -> Any:
        doc_extension._FOUND.clear()
        return doc_extension.sentiment_of(doc, component).contributions

    contenders: dict[str, Callable[[], Any]] = {
        PREDICT: lambda: component.predict([doc]),
        CONTRIBUTIONS: contributions,
        SCORER: lambda: scorer(short),
    }
    found = doc_extension.sentiment_of(doc, component)
    np.testing.assert_allclose(list(found.probabilities.values()), np.asarray(component.predict([doc]))[0], atol=1e-5)
    times = in_alternation(contenders, arguments.rounds)
    medians = {name: statistics.median(all_times) for name, all_times in times.items()}
    print_table(
        f"A Doc of {len(doc)} tokens, {n_texts} short texts, {arguments.rounds} rounds",
        ("of", "median ms", "fastest ms", "ns a token", "times predict"),
        [
            (name, f"{median * 1e3:.1f}", f"{min(times[name]) * 1e3:.1f}", f"{median / len(doc) * 1e9:.1f}",
             f"{median / medians[PREDICT]:.2f}")
            for name, median in medians.items()
        ],
    )  # fmt: skip
    # Per round, so that whatever slows the machine for a while slows both.
    ratio = statistics.median(mine / score for mine, score in zip(times[CONTRIBUTIONS], times[PREDICT], strict=True))
    finish([at_most("all contributions, times scoring", ratio, MOST)])


def finish(bounds: list[Bound], digits: int = 2) -> None:
    """Print the bounds, and exit with 1 unless all are met."""
    print_bounds(bounds, digits)
    if not all(bound.met for bound in bounds):
        raise SystemExit(1)


def one_doc(nlp: Any, texts: list[str], n_tokens: int) -> tuple[int, Doc]:
    """Return the number of texts, repeated, that have so many tokens, and a Doc of just these tokens."""
    made = list(nlp.tokenizer.pipe(texts))
    words: list[str] = []
    spaces: list[bool] = []
    for n_texts, each in enumerate(cycle(made), start=1):
        words += [token.text for token in each]
        spaces += [bool(token.whitespace_) for token in each]
        if len(words) >= n_tokens:
            return n_texts, Doc(nlp.vocab, words[:n_tokens], spaces[:n_tokens])
    raise ValueError("there are no texts")


def in_alternation(contenders: dict[str, Callable[[], Any]], n_rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each contender in each round, after a warm-up round."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(n_rounds + 1):
        for name, run in contenders.items():
            gc.collect()
            start = time.perf_counter()
            run()
            if number:
                times[name].append(time.perf_counter() - start)
    return times


if __name__ == "__main__":
    main()
