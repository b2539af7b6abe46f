import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.model.padding import LENGTH_LADDER, bucket_length, longest_length, pad, pad_ragged, row_bucket
from spacy_trax_sentiment.text.arrays import Ragged

IDS = st.lists(st.lists(st.integers(1, 1000), max_size=70), max_size=20)


@given(st.integers(0, 10_000))
def test_a_bucket_holds_its_longest_text_and_the_next_smaller_one_does_not(longest: int) -> None:
    length = bucket_length(longest)
    assert length >= longest
    rungs = [rung for rung in (*LENGTH_LADDER, 1024, 2048, 4096, 8192, 16384) if rung < length]
    assert not rungs or rungs[-1] < longest


def test_the_length_of_the_seed_is_at_least_one() -> None:
    assert [longest_length(longest) for longest in (0, 1, 2, 9)] == [1, 1, 2, 9]


def test_rows_are_filled_up_to_a_power_of_two() -> None:
    assert [row_bucket(n) for n in (0, 1, 2, 3, 4, 5, 16, 17)] == [1, 1, 2, 4, 4, 8, 16, 32]


@given(IDS, st.integers(0, 30))
def test_ragged_ids_are_padded_like_lists(ids: list[list[int]], n_rows: int) -> None:
    for settings in ({}, {"n_rows": n_rows}, {"padded_length": longest_length}):
        padded = pad_ragged(Ragged.of(ids), **settings)
        assert padded.dtype == np.int32
        np.testing.assert_array_equal(padded, pad(ids, **settings))


@given(IDS, st.integers(0, 30))
def test_padding_keeps_every_text_and_fills_up_with_zeros(ids: list[list[int]], n_rows: int) -> None:
    padded = pad(ids, n_rows=n_rows)
    assert padded.dtype == np.int32
    assert padded.shape == (max(len(ids), n_rows), bucket_length(max(map(len, ids), default=0)))
    assert [row[row > 0].tolist() for row in padded[: len(ids)]] == ids
    assert all((row[len(text) :] == 0).all() for row, text in zip(padded, ids, strict=False))
