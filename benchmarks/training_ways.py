"""The ways of training that `training_speed.py` compares. Each measures in this process and returns numbers."""

import io
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import cycle, islice, pairwise
from typing import Any

import spacy
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as spacy_train
from spacy.util import registry
from thinc.api import Adam, Config

from spacy_trax_sentiment.cli.init_config import filled_config
from spacy_trax_sentiment.model.inputs import docs_to_ids, set_vocabulary
from spacy_trax_sentiment.model.parameters import get_architecture
from spacy_trax_sentiment.model.thinc_model import Classifier
from spacy_trax_sentiment.model.trax_layers import initialized_layer
from spacy_trax_sentiment.text.labels import DEFAULT_LABELS
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms
from spacy_trax_sentiment.training.batches import Batch, shuffled_batches, steady_length
from spacy_trax_sentiment.training.corpora import read_corpus, read_labelled_texts
from spacy_trax_sentiment.training.run import train_on
from spacy_trax_sentiment.training.settings import PRESETS
from spacy_trax_sentiment.training.trax_loop.loop import run_loop

BOW = """
[components.trax_sentiment]
factory = "textcat"

[components.trax_sentiment.model]
@architectures = "spacy.TextCatBOW.v3"
exclusive_classes = true
ngram_size = {ngram_size}
no_output_layer = false
length = 262144
"""


# Single words, as in spaCy's own configs, and pairs too, as in ours.
NGRAM_SIZES = {"TextCatBOW": 1, "TextCatBOW, bigrams": 2}


def examples_per_second(way: str, source: str, batch_size: int, steps: int) -> tuple[float, float]:
    """Return the examples per second, by the clock and by this process's CPU time.

    They are those of the median step of the second half, so neither compilation nor evaluation counts. CPU time varies
    less with other load on the machine.
    """
    times: list[tuple[float, float]] = []
    if way == "Loop":
        settings = replace(PRESETS["default"], steps=steps, batch_size=batch_size, n_eval_batches=1)
        train_on(read_corpus(source), settings, on_step=lambda _: times.append(_clocks()))
    else:
        _spacy_train(way, source, batch_size, steps, times)
    wall, cpu = zip(*times[len(times) // 2 :], strict=True)
    return batch_size / _median_step(wall), batch_size / _median_step(cpu)


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _median_step(times: Sequence[float]) -> float:
    return statistics.median(after - before for before, after in pairwise(times))


def _spacy_train(way: str, source: str, batch_size: int, steps: int, times: list[tuple[float, float]]) -> None:
    @registry.loggers("training_speed.Clock.v1")  # type: ignore[untyped-decorator]
    def clock() -> Callable[..., Any]:
        return lambda *_: (lambda _: times.append(_clocks()), lambda: None)

    config = Config().from_str(filled_config("default"), interpolate=False)
    if way in NGRAM_SIZES:
        peer = BOW.format(ngram_size=NGRAM_SIZES[way])
        config["components"] = Config().from_str("[components]\n" + peer)["components"]
        config["initialize"]["components"] = {}
    config["paths"] |= {"train": source, "dev": "bundled:short_texts"}
    config["training"]["batcher"]["size"] = batch_size
    config["training"]["logger"] = {"@loggers": "training_speed.Clock.v1"}
    config["training"] |= {"max_steps": steps, "eval_frequency": steps * 2, "patience": 0}
    nlp = init_nlp(config)
    spacy_train(nlp, None, stdout=io.StringIO(), stderr=io.StringIO())


def step_milliseconds(way: str, source: str, n_rows: int, batch_size: int, steps: int) -> float:
    """Return the median milliseconds of a training step after the first five.

    Args:
        way: "update" or "Loop", each followed by "by rows" or "whole table".
        source: The texts to train on.
        n_rows: Rows of the embedding.
        batch_size: Texts per batch.
        steps: Number of steps.
    """
    texts = read_labelled_texts(source)[: batch_size * 8]
    preprocessor = SentimentTerms(bigram_buckets=n_rows)
    model = Classifier(preprocessor, embedding_dim=32, nO=len(DEFAULT_LABELS))
    docs = [*map(spacy.blank("en").make_doc, (text.text for text in texts))]
    set_vocabulary(model, docs)
    ids = list(docs_to_ids(model, docs))
    targets = [DEFAULT_LABELS.index(text.label) for text in texts]
    times: list[float] = []
    if way.startswith("Loop"):
        padded_length = steady_length(ids)

        def batches() -> Iterator[Batch]:
            return shuffled_batches(ids, targets, batch_size, padded_length=padded_length)

        settings = replace(PRESETS["default"], steps=steps, row_steps="rows" in way, n_eval_batches=1)
        layer = initialized_layer(get_architecture(model))
        run_loop(layer, batches(), batches(), settings, lambda _: times.append(time.perf_counter()))
    else:
        model.initialize()
        optimizer: Any = Adam(0.01, use_averages="rows" not in way)
        for start in islice(cycle(range(0, len(docs), batch_size)), steps):
            Y, backprop = model.begin_update(docs[start : start + batch_size])
            for i, target in enumerate(targets[start : start + batch_size]):
                Y[i, target] -= 1
            backprop(Y / len(Y))  # type: ignore[arg-type]
            model.finish_update(optimizer)
            times.append(time.perf_counter())
    return 1e3 * _median_step(times[5:])
