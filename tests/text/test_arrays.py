import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.text.arrays import first_of_each, ranges, segment_sums, written


@given(st.lists(st.lists(st.integers(-100, 100), max_size=4), max_size=6))
def test_segments_are_summed(segments: list[list[int]]) -> None:
    values = np.array([value for segment in segments for value in segment], dtype=np.int64)
    sums = segment_sums(values, np.array(list(map(len, segments)), dtype=np.int64))
    assert sums.tolist() == list(map(sum, segments))


@given(st.lists(st.tuples(st.integers(-100, 100), st.integers(0, 5))))
def test_ranges_follow_one_another(pairs: list[tuple[int, int]]) -> None:
    starts, counts = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    expected = [number for start, count in pairs for number in range(start, start + count)]
    assert ranges(starts, counts).tolist() == expected


def test_an_array_is_written_in_place_where_there_is_room_and_copied_where_there_is_none() -> None:
    array = np.zeros(4, dtype=np.int64)
    assert written(array, 1, np.array([5, 6])) is array
    longer = written(array, 3, np.arange(1, 8))
    assert array.tolist() == [0, 5, 6, 0]
    assert longer.tolist() == [0, 5, 6, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0]


@given(st.lists(st.integers(0, 9)))
def test_of_keys_that_are_alike_the_first_is_found(keys: list[int]) -> None:
    assert first_of_each(np.array(keys, dtype=np.uint64)).tolist() == [keys.index(key) for key in dict.fromkeys(keys)]
