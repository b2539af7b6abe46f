from collections.abc import Callable

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import SGD, Adam, Model, Optimizer, RAdam

from spacy_trax_sentiment.model.sparse_rows import SteadyRows, batch_rows, put_rows, row_rung, step_rows, take_rows
from spacy_trax_sentiment.model.thinc_model import Classifier
from spacy_trax_sentiment.text.process_tweet import ProcessTweet
from spacy_trax_sentiment.text.vocabulary import N_SPECIAL

pytestmark = pytest.mark.slow

N_TERMS = 50


@given(arrays(np.int64, array_shapes(max_dims=2, min_side=0), elements=st.integers(0, N_TERMS - 1)))
def test_rows_and_places_of_a_batch_give_back_its_ids(ids: NDArray[np.int64]) -> None:
    rows, places = batch_rows(ids, N_TERMS)
    np.testing.assert_array_equal(rows[places], ids)
    assert rows.tolist() == sorted({*range(N_SPECIAL), *ids.ravel().tolist()})


@given(st.integers(0, 10**7))
def test_any_number_of_rows_is_rounded_up_to_one_of_a_few(n_rows: int) -> None:
    rung = row_rung(n_rows)
    assert n_rows <= rung <= max(256, 4 * n_rows)
    assert row_rung(rung) == rung


@given(st.lists(st.integers(0, 5000), min_size=1))
def test_batches_of_similar_size_take_the_same_number_of_rows(sizes: list[int]) -> None:
    steady = SteadyRows()
    taken = [steady(n_rows) for n_rows in sizes]
    assert all(n_taken >= n_rows for n_taken, n_rows in zip(taken, sizes, strict=True))
    assert taken == sorted(taken)
    assert len(set(taken)) <= 1 + 5  # rungs from 256 to 8192


@given(st.data())
def test_rows_are_put_into_their_places(data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, N_TERMS - 1), unique=True))
    width = data.draw(st.integers(1, 5))
    table = np.arange(N_TERMS * width, dtype=np.float32).reshape(N_TERMS, width)
    expected = table.copy()
    values = -1 - np.arange(len(rows) * width * 2, dtype=np.float32).reshape(len(rows), width, 2)[:, :, 0]
    expected[rows] = values
    put_rows(table, np.array(rows, dtype=np.int64), values)
    np.testing.assert_array_equal(table, expected)


def test_rows_are_filled_up_with_zeros() -> None:
    table = np.arange(8, dtype=np.float32).reshape(4, 2)
    np.testing.assert_array_equal(take_rows(table, np.array([3, 1]), 3), [[6, 7], [2, 3], [0, 0]])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Adam(0.1, use_averages=False, L2=0.1),
        lambda: Adam(0.1, use_averages=False, L2=0.1, L2_is_weight_decay=False, grad_clip=0.5),
        lambda: RAdam(0.1, use_averages=False),
        lambda: SGD(0.1, use_averages=False),
    ],
)
def test_a_step_of_all_rows_equals_a_step_of_the_table(make: Callable[[], Optimizer]) -> None:
    rng = np.random.default_rng(0)
    by_rows, by_table = make(), make()
    table = rng.normal(size=(6, 3)).astype(np.float32)
    other = table.copy()
    rows = np.arange(6)
    for _ in range(10):
        gradient = rng.normal(size=table.shape).astype(np.float32)
        step_rows(by_rows, (1, "E"), table, rows, gradient.copy())
        other, _ = by_table((1, "E"), other, gradient.copy())
    np.testing.assert_allclose(table, other, rtol=1e-6)
    for mine, theirs in ((by_rows.mom1, by_table.mom1), (by_rows.mom2, by_table.mom2)):
        assert mine.keys() == theirs.keys()
        for key, value in mine.items():
            np.testing.assert_allclose(value, theirs[key], rtol=1e-6)


def test_rows_outside_the_batch_keep_their_values_and_moments() -> None:
    optimizer = Adam(0.1, use_averages=False, grad_clip=0)
    table = np.ones((4, 2), dtype=np.float32)
    step_rows(optimizer, (1, "E"), table, np.array([0, 2]), np.ones((2, 2), dtype=np.float32))
    first = table.copy()
    step_rows(optimizer, (1, "E"), table, np.array([2]), np.ones((1, 2), dtype=np.float32))
    np.testing.assert_array_equal(table[[0, 1, 3]], first[[0, 1, 3]])
    assert (table[2] < first[2]).all()
    np.testing.assert_allclose(optimizer.mom1[(1, "E")].reshape(4, 2)[[0, 1]], [[0.1, 0.1], [0, 0]], rtol=1e-6)


TEXTS = ["good day", "bad bad day", "what a good good thing"]
LABELS = np.eye(2, dtype=np.float32)[[0, 1, 0]]


@pytest.fixture
def docs() -> list[Doc]:
    nlp = spacy.blank("en")
    return [nlp.make_doc(text) for text in TEXTS]


@pytest.fixture
def model(docs: list[Doc]) -> Model[list[Doc], NDArray[np.float32]]:
    np.random.seed(0)
    model = Classifier(ProcessTweet(stop_words=[]), embedding_dim=4)
    model.initialize(X=docs, Y=LABELS)
    return model


def _backprop(model: Model[list[Doc], NDArray[np.float32]], docs: list[Doc], labels: NDArray[np.float32]) -> None:
    Y, backprop = model.begin_update(docs)
    backprop(Y - labels)


def test_the_gradient_accumulates_over_batches_until_a_step_uses_it(
    model: Model[list[Doc], NDArray[np.float32]], docs: list[Doc]
) -> None:
    _backprop(model, docs, LABELS)
    whole = model.get_grad("E").copy()
    model.finish_update(SGD(0.0, use_averages=False))
    for i in range(3):
        _backprop(model, docs[i : i + 1], LABELS[i : i + 1])
    np.testing.assert_allclose(model.get_grad("E"), whole, atol=1e-6)
    before = model.get_param("E").copy()
    model.finish_update(SGD(1.0, use_averages=False, grad_clip=0))
    np.testing.assert_allclose(model.get_param("E"), before - whole, atol=1e-6)
    stepped = model.get_param("E").copy()
    model.finish_update(SGD(1.0, use_averages=False))
    np.testing.assert_array_equal(model.get_param("E"), stepped)


def test_averages_follow_every_step(model: Model[list[Doc], NDArray[np.float32]], docs: list[Doc]) -> None:
    optimizer = Adam(0.1)
    for i in (0, 1, 2, 1):
        _backprop(model, docs[i : i + 1], LABELS[i : i + 1])
        model.finish_update(optimizer)
    averages = optimizer.averages
    assert averages is not None
    assert averages[(model.id, "E")].shape == model.get_param("E").shape
    last = model.predict(docs)
    with model.use_params(averages):
        assert np.abs(model.predict(docs) - last).max() > 1e-3
    np.testing.assert_array_equal(model.predict(docs), last)


def test_a_copy_made_between_gradient_and_step_takes_the_same_step_with_sgd(
    model: Model[list[Doc], NDArray[np.float32]], docs: list[Doc]
) -> None:
    _backprop(model, docs, LABELS)
    copy = model.copy()
    for each in (model, copy):
        each.finish_update(SGD(0.5, use_averages=False))
    np.testing.assert_allclose(copy.predict(docs), model.predict(docs), atol=1e-6)


def test_a_copy_made_between_two_gradients_steps_by_their_sum(
    model: Model[list[Doc], NDArray[np.float32]], docs: list[Doc]
) -> None:
    _backprop(model, docs[:1], LABELS[:1])
    copy = model.copy()
    for each in (model, copy):
        _backprop(each, docs[1:], LABELS[1:])
        each.finish_update(SGD(0.5, use_averages=False))
    np.testing.assert_allclose(copy.predict(docs), model.predict(docs), atol=1e-6)
