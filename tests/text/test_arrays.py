from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.text.arrays import Ragged, first_of_each, ranges, segment_sums, written

TEXTS = st.lists(st.lists(st.integers(-100, 100), max_size=4), max_size=6)


def _lists(ragged: Ragged) -> list[list[int]]:
    return [of_text.tolist() for of_text in ragged.split()]


@given(TEXTS)
def test_texts_that_are_laid_side_by_side_are_split_again(texts: list[list[int]]) -> None:
    ragged = Ragged.of(texts)
    assert ragged.values.tolist() == [value for text in texts for value in text]
    assert ragged.lengths.tolist() == list(map(len, texts))
    assert (ragged.values.dtype, ragged.lengths.dtype) == (np.int64, np.int64)
    assert _lists(ragged) == texts
    assert _lists(Ragged.of(map(np.array, texts))) == texts


@pytest.mark.parametrize("dtype", [np.int32, np.float64])
@pytest.mark.parametrize("texts", [[], [[]], [[1], [], [2, 3]]])
def test_values_have_the_dtype_that_is_asked_for(texts: list[list[int]], dtype: Any) -> None:
    ragged = Ragged.of(texts, dtype)
    assert ragged.values.dtype == dtype
    assert _lists(ragged) == texts


@given(TEXTS)
def test_each_text_is_summed(texts: list[list[int]]) -> None:
    ragged = Ragged.of(texts)
    sums = ragged.sums()
    assert sums.dtype == np.float64
    assert sums.tolist() == list(map(sum, texts))
    assert ragged.sums(np.int32).dtype == np.int32
    # Values may be rows.
    rows = Ragged(np.stack([ragged.values, -ragged.values], axis=1), ragged.lengths)
    assert rows.sums(np.int64).tolist() == [[sum(text), -sum(text)] for text in texts]


@given(TEXTS, st.data())
def test_masked_values_are_dropped_and_lengths_follow(texts: list[list[int]], data: st.DataObject) -> None:
    ragged = Ragged.of(texts)
    n_values = len(ragged.values)
    mask = data.draw(st.lists(st.booleans(), min_size=n_values, max_size=n_values))
    kept = ragged.kept(np.array(mask, dtype=bool))
    flags = iter(mask)
    assert _lists(kept) == [[value for value in text if next(flags)] for text in texts]
    assert kept.lengths.dtype == np.int64
    assert _lists(ragged) == texts


@given(TEXTS)
def test_segments_are_summed(segments: list[list[int]]) -> None:
    values = np.array([value for segment in segments for value in segment], dtype=np.int64)
    sums = segment_sums(values, np.array(list(map(len, segments)), dtype=np.int64))
    assert sums.tolist() == list(map(sum, segments))


@given(st.lists(st.tuples(st.integers(-100, 100), st.integers(0, 5))))
def test_ranges_follow_one_another(pairs: list[tuple[int, int]]) -> None:
    starts, counts = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    expected = [number for start, count in pairs for number in range(start, start + count)]
    assert ranges(starts, counts).tolist() == expected


def test_an_array_is_written_in_place_if_there_is_room_and_copied_if_not() -> None:
    array = np.zeros(4, dtype=np.int64)
    assert written(array, 1, np.array([5, 6])) is array
    longer = written(array, 3, np.arange(1, 8))
    assert array.tolist() == [0, 5, 6, 0]
    assert longer.tolist() == [0, 5, 6, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0]


@given(st.lists(st.integers(0, 9)))
def test_the_first_of_equal_keys_is_found(keys: list[int]) -> None:
    assert first_of_each(np.array(keys, dtype=np.uint64)).tolist() == [keys.index(key) for key in dict.fromkeys(keys)]
