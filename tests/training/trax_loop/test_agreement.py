"""Trax's Loop and `nlp.update` lead to the same weights."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain, cycle
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.training import Example
from thinc.api import SGD, Adam, Optimizer

from spacy_trax_sentiment.model.inputs import docs_to_ids
from spacy_trax_sentiment.model.padding import pad
from spacy_trax_sentiment.model.parameters import get_architecture, get_weights, layer_weights, to_trax_layer
from spacy_trax_sentiment.model.trax_backend import optimizers
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.training.batches import Batch
from spacy_trax_sentiment.training.labelled import LabelledText
from spacy_trax_sentiment.training.settings import Settings
from spacy_trax_sentiment.training.trax_loop.loop import run_loop

pytestmark = pytest.mark.slow

pytestmark = pytest.mark.slow

STEPS, BATCH_SIZE, EPS = 50, 16, 1e-5
THINC = {"L2": 0.0, "grad_clip": 0.0}
BY_ROWS, BY_TABLE = {"use_averages": False}, {"use_averages": True}  # averages need the whole table's step


def _adam(learn_rate: float, averages: dict[str, bool]) -> Optimizer:
    """Thinc's Adam, made equal to Trax's.

    Trax's Loop calls its first step 1, and its Adam adds one to that. Trax adds epsilon to the root of the corrected
    second moment, Thinc to that of the uncorrected one.
    """
    eps = [EPS * (1 - 0.999 ** (step + 2)) ** 0.5 for step in range(STEPS)]
    optimizer = Adam(learn_rate, eps=eps, **THINC, **averages)
    optimizer.nr_update = defaultdict(lambda: 1)
    return optimizer


@pytest.mark.parametrize("hidden_width", [0, 8])
@pytest.mark.parametrize(
    ("thinc", "trax", "row_steps"),
    [
        (lambda: SGD(0.5, **THINC, **BY_ROWS), lambda: optimizers.SGD(0.5), True),
        (lambda: SGD(0.5, **THINC, **BY_TABLE), lambda: optimizers.SGD(0.5), False),
        (lambda: _adam(0.01, BY_ROWS), lambda: optimizers.Adam(0.01, weight_decay_rate=0, eps=EPS), True),
        (lambda: _adam(0.01, BY_TABLE), lambda: optimizers.Adam(0.01, weight_decay_rate=0, eps=EPS), False),
    ],
    ids=["SGD by rows", "SGD", "Adam by rows", "Adam"],
)
def test_fifty_steps_give_the_same_weights_and_predictions(
    short_texts: tuple[list[LabelledText], list[LabelledText]],
    hidden_width: int,
    thinc: Any,
    trax: Any,
    row_steps: bool,
) -> None:
    spacy.util.fix_random_seed(0)
    texts = short_texts[0][::4]
    nlp = spacy.blank("en")
    nlp.add_pipe(
        "trax_sentiment", config={"model": {"embedding_dim": 16, "hidden_width": hidden_width}, "pretrained": None}
    )
    examples = [
        Example.from_dict(
            nlp.make_doc(text), {"cats": {name: float(name == label) for name in ("negative", "positive")}}
        )
        for text, label in texts
    ]
    nlp.initialize(lambda: examples)
    model = find_component(nlp).model
    before = {name: value.copy() for name, value in get_weights(model).items()}
    layer = to_trax_layer(model)
    batches = [examples[i : i + BATCH_SIZE] for i in range(0, len(examples) - BATCH_SIZE + 1, BATCH_SIZE)]

    optimizer = thinc()
    for _, batch in zip(range(STEPS), cycle(batches), strict=False):
        nlp.update(batch, sgd=optimizer)
        optimizer.step_schedules()

    def trax_batches() -> Iterator[Batch]:
        # Trax's TrainTask takes one batch as a sample, and the Loop does not train on it.
        for batch in chain(batches[:1], cycle(batches)):
            ids = pad(list(docs_to_ids(model, [example.reference for example in batch])))
            targets = [list(example.reference.cats.values()).index(1.0) for example in batch]
            yield ids, np.array(targets, dtype=np.int32), np.ones(len(batch), dtype=np.float32)

    settings = Settings(steps=STEPS, row_steps=row_steps, n_eval_batches=1)
    run_loop(layer, trax_batches(), trax_batches(), settings, optimizer=trax())

    after = layer_weights(layer, get_architecture(model))
    for name, value in get_weights(model).items():
        np.testing.assert_allclose(value, after[name], atol=1e-3, err_msg=name)
        assert np.abs(value - before[name]).max() > 0.005, name
    ids = list(docs_to_ids(model, [example.reference for example in examples]))
    expected = np.exp(layer(pad(ids)))
    scores = find_component(nlp).predict([example.reference for example in examples])
    np.testing.assert_allclose(scores, expected, atol=1e-3)
