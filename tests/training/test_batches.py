from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.model.padding import bucket_length, longest_length
from spacy_trax_sentiment.training.batches import (
    Batch,
    balanced_batches,
    bucketed_batches,
    check_batch_size,
    shuffled_batches,
    steady_length,
    weighted_batches,
)

IDS = st.lists(st.lists(st.integers(1, 1000), max_size=70), max_size=20)


@given(IDS.filter(len), st.integers(0, 200))
def test_short_texts_are_all_padded_to_one_length(ids: list[list[int]], longest: int) -> None:
    padded_length = steady_length(ids)
    assert padded_length(longest) >= bucket_length(longest)
    assert len({padded_length(len(text)) for text in ids if len(text) <= 64}) <= 1


def test_short_batches_have_the_longest_texts_length_up_to_64() -> None:
    assert [steady_length([[3] * 20, [3]])(longest) for longest in (1, 24, 25)] == [24, 24, 32]
    assert [steady_length([[3] * 100])(longest) for longest in (1, 64, 65)] == [64, 64, 96]
    assert [steady_length([[3] * 100], short=16)(longest) for longest in (1, 17)] == [16, 24]
    assert steady_length([])(1) == 8


def _positives_and_negatives(n_pos: int, n_neg: int) -> tuple[list[list[int]], list[int]]:
    """Texts of one id each: positives count from 100, negatives from 200."""
    ids = [[100 + i] for i in range(n_pos)] + [[200 + i] for i in range(n_neg)]
    return ids, [1] * n_pos + [0] * n_neg


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.booleans())
def test_one_pass_stops_before_the_first_incomplete_batch(n_pos: int, n_neg: int, half: int, shuffle: bool) -> None:
    ids, targets = _positives_and_negatives(n_pos, n_neg)
    batches = list(balanced_batches(ids, targets, 2 * half, loop=False, shuffle=shuffle))
    assert len(batches) == min(n_pos, n_neg) // half
    drawn = [i for inputs, _, _ in batches for i in inputs[:, 0].tolist()]
    assert len(set(drawn)) == len(drawn)
    for inputs, batch_targets, weights in batches:
        assert batch_targets.tolist() == [1] * half + [0] * half
        assert (inputs[:half, 0] < 200).all()
        assert (inputs[half:, 0] >= 200).all()
        assert weights.dtype == np.float32


@given(st.integers(1, 5), st.integers(1, 5), st.booleans())
def test_a_class_starts_over_when_it_is_used_up(n_pos: int, n_neg: int, shuffle: bool) -> None:
    ids, targets = _positives_and_negatives(n_pos, n_neg)
    batches = islice(balanced_batches(ids, targets, 2, loop=True, shuffle=shuffle), n_pos * n_neg)
    inputs = np.concatenate([batch[0][:, 0] for batch in batches])
    counts = dict(zip(*np.unique(inputs, return_counts=True), strict=True))
    assert counts == {**{100 + i: n_neg for i in range(n_pos)}, **{200 + i: n_pos for i in range(n_neg)}}


def test_the_seed_decides_the_order() -> None:
    ids, targets = _positives_and_negatives(50, 50)

    def order(seed: int) -> list[int]:
        batches = islice(balanced_batches(ids, targets, 10, loop=True, shuffle=True, seed=seed), 20)
        return [i for inputs, _, _ in batches for i in inputs[:, 0].tolist()]

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert order(1)[:5] != order(1)[100:105]  # a second pass draws anew


@pytest.mark.parametrize("batch_size", [0, -2, 3])
def test_a_batch_size_that_classes_cannot_share_is_refused(batch_size: int) -> None:
    with pytest.raises(SentimentError, match="S020.*positive multiple of 2"):
        next(balanced_batches([[3], [4]], [0, 1], batch_size, loop=False))


def test_the_texts_per_class_are_returned_or_a_remedy_is_named() -> None:
    assert check_batch_size(12, 3) == 4
    assert check_batch_size(1, 1) == 1
    with pytest.raises(SentimentError, match=r"the batch size 0 is not positive\. Give"):
        check_batch_size(0, 1)
    with pytest.raises(SentimentError, match=r"the batch size 4 is not a positive multiple of 3\. Give"):
        check_batch_size(4, 3)
    for batches in (shuffled_batches([[3]], [0], 0), weighted_batches([[3]], [0], [1.0], 0, n_classes=1)):
        with pytest.raises(SentimentError, match=r"the batch size 0 is not positive\."):
            next(batches)


def test_batches_do_not_share_memory_and_have_their_dtypes() -> None:
    ids, targets = [[3 + i] for i in range(8)], [0, 1] * 4
    endless = {
        "balanced": balanced_batches(ids, targets, 4, loop=True),
        "shuffled": shuffled_batches(ids, targets, 4),
        "weighted": weighted_batches(ids, targets, [1.0] * 8, 4, n_classes=2),
    }
    for name, batches in endless.items():
        first = next(batches)
        assert [array.dtype for array in first] == [np.int32, np.int32, np.float32], name
        assert [array.shape for array in first] == [(4, 8), (4,), (4,)], name
        assert first[2].tolist() == [1.0] * 4, name
        for array in first:
            array[:] = 99
        for _ in range(4):
            inputs, of_batch, weights = next(batches)
            assert set(inputs.ravel().tolist()) <= {0, *range(3, 11)}, name
            assert set(of_batch.tolist()) <= {0, 1}, name
            assert weights.tolist() == [1.0] * 4, name


def test_every_generators_seed_is_0_by_default_and_decides() -> None:
    ids, targets, even = [[3 + i] for i in range(50)], [0, 1] * 25, [1.0] * 50

    def drawn(batches: Iterator[Batch]) -> list[list[int]]:
        return [inputs[:, 0].tolist() for inputs, _, _ in islice(batches, 6)]

    ways: list[Callable[..., Iterator[Batch]]] = [
        lambda **seed: balanced_batches(ids, targets, 10, loop=True, shuffle=True, **seed),
        lambda **seed: shuffled_batches(ids, targets, 10, **seed),
        lambda **seed: weighted_batches(ids, targets, even, 10, n_classes=2, **seed),
    ]
    for way in ways:
        assert drawn(way()) == drawn(way(seed=0)) != drawn(way(seed=1))
    in_order = [i for batch in drawn(balanced_batches(ids, targets, 10, loop=True)) for i in batch[:5]]
    assert in_order == [4 + 2 * (i % 25) for i in range(30)]
    assert next(shuffled_batches(ids, targets, 10, padded_length=longest_length))[0].shape == (10, 1)
    assert next(weighted_batches(ids, targets, even, 10, n_classes=2, padded_length=longest_length))[0].shape == (10, 1)


def test_texts_of_no_class_get_each_class_equally_often() -> None:
    batches = weighted_batches([[3]] * 9, [-1] * 9, [1.0] * 9, 30, n_classes=3)
    targets = np.concatenate([of_batch for _, of_batch, _ in islice(batches, 100)])
    np.testing.assert_allclose(np.bincount(targets, minlength=3) / 3000, 1 / 3, atol=0.04)


def test_two_weighted_batches_separate_short_texts_from_long_ones() -> None:
    ids = [[3]] * 30 + [[3] * 100] * 30
    lengths = [
        inputs.shape[1] for inputs, _, _ in islice(weighted_batches(ids, [0] * 60, [1.0] * 60, 8, n_classes=1), 60)
    ]
    pairs = list(zip(lengths[::2], lengths[1::2], strict=True))
    # If 8 or more of the 16 texts drawn are short, one of the two batches holds only short ones.
    assert {(8, 128), (128, 8)} <= set(pairs)


def test_shuffled_batches_use_all_texts_before_any_comes_again() -> None:
    ids, targets = _positives_and_negatives(7, 5)
    batches = list(islice(shuffled_batches(ids, targets, 4, seed=3), 6))
    drawn = [i for inputs, _, _ in batches for i in inputs[:, 0].tolist()]
    assert sorted(drawn[:12]) == sorted(drawn[12:]) == sorted(i for (i,) in ids)
    assert all((inputs[:, 0] < 200).astype(int).tolist() == t.tolist() for inputs, t, _ in batches)


def test_batches_are_padded_as_asked() -> None:
    ids, targets = [[3] * 9, [4] * 3], [1, 0]
    assert next(balanced_batches(ids, targets, 2, loop=False))[0].shape == (2, 16)
    assert next(balanced_batches(ids, targets, 2, loop=False, padded_length=longest_length))[0].shape == (2, 9)


def test_weighted_batches_draw_each_text_as_often_as_its_weight_says() -> None:
    ids = [[i + 3] * (i + 1) for i in range(4)]
    batches = weighted_batches(ids, [0, 1, 0, -1], [1, 2, 0, 5], 64, n_classes=2, seed=1)
    drawn = [next(batches) for _ in range(160)]
    first = np.concatenate([inputs[:, 0] for inputs, _, _ in drawn])
    shares = np.bincount(first, minlength=7)[3:] / len(first)
    np.testing.assert_allclose(shares, [1 / 8, 2 / 8, 0, 5 / 8], atol=0.02)
    targets = np.concatenate([targets for _, targets, _ in drawn])
    assert (targets[first == 3] == 0).all()
    assert (targets[first == 4] == 1).all()
    assert targets[first == 6].mean() == pytest.approx(0.5, abs=0.03)
    for inputs, of_batch, weights in drawn:
        assert inputs.dtype == of_batch.dtype == np.int32
        assert weights.tolist() == [1.0] * 64


def test_weighted_batches_are_the_same_for_the_same_seed() -> None:
    ids = [[i + 3] for i in range(50)]
    first, second, other = (
        weighted_batches(ids, [0] * 50, [1.0] * 50, 8, n_classes=1, seed=seed) for seed in (3, 3, 4)
    )
    assert all((next(first)[0] == next(second)[0]).all() for _ in range(40))
    assert any((next(first)[0] != next(other)[0]).any() for _ in range(5))


def test_texts_of_similar_lengths_share_a_batch() -> None:
    ids = [[3] * length for length in range(1, 400)]
    batches = weighted_batches(ids, [0] * len(ids), [1.0] * len(ids), 16, n_classes=1)
    lengths = [next(batches)[0].shape[1] for _ in range(40)]
    assert len(set(lengths)) > 1


@given(IDS.filter(len), st.integers(1, 8), st.integers(1, 200), st.integers(0, 3))
def test_bucketed_batches_have_one_shape_per_length_and_a_most_size(
    ids: list[list[int]], batch_size: int, ids_per_batch: int, seed: int
) -> None:
    targets = np.arange(2 * len(ids), dtype=np.float32).reshape(-1, 2)
    weights = [1.0] * len(ids)
    batches = list(islice(bucketed_batches(ids, targets, weights, batch_size, ids_per_batch, seed=seed), 10))
    shapes: dict[int, int] = {}
    for inputs, of_batch, example_weights in batches:
        n_texts, length = inputs.shape
        assert shapes.setdefault(length, n_texts) == n_texts
        assert n_texts <= batch_size
        assert inputs.size <= ids_per_batch or n_texts == 1
        assert example_weights.tolist() == [1] * n_texts
        for row, target in zip(inputs.tolist(), of_batch, strict=True):
            assert [i for i in row if i] == ids[int(target[0]) // 2]
    again = islice(bucketed_batches(ids, targets, weights, batch_size, ids_per_batch, seed=seed), 10)
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(batches, again, strict=True))


def test_bucketed_batches_draw_by_weight() -> None:
    ids = [[3], [4], [5] * 20]
    targets = np.eye(3, dtype=np.float32)
    batches = islice(bucketed_batches(ids, targets, [1, 3, 0], 10, 1000), 400)
    counts = sum(of_batch.sum(axis=0) for _, of_batch, _ in batches)
    assert counts[2] == 0
    assert counts[1] / counts[0] == pytest.approx(3, rel=0.15)
