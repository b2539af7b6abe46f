import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.model.stored_weights import dequantized, quantize, weight_array, weight_files, weight_names

FLOATS = st.floats(-1e3, 1e3, width=32)


@given(arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 4)), elements=FLOATS))
def test_int8_is_as_near_as_half_a_scale(array: np.ndarray) -> None:
    values, scale = quantize(array)
    assert values.dtype == np.int8
    found = dequantized(values, scale)
    assert (np.abs(found - array) <= scale * 0.5001 + 1e-30).all()
    again = dequantized(*quantize(found))
    np.testing.assert_allclose(again, found, rtol=1e-5, atol=1e-30)


def test_the_nearer_axis_is_chosen() -> None:
    rows = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32) * np.logspace(-3, 3, 64, dtype=np.float32)
    assert quantize(rows)[1].shape == (1, 64)
    assert quantize(rows.T)[1].shape == (64, 1)


def test_only_large_matrices_become_int8() -> None:
    files = {
        **weight_files("E", np.ones((64, 64)), "int8"),
        **weight_files("W", np.ones((63, 64)), "int8"),
        **weight_files("b", np.ones(5000), "int8"),
    }
    assert sorted(files) == ["E.npy", "E.scale.npy", "W.npy", "b.npy"]
    assert sorted(weight_names(files)) == ["E", "W", "b"]
    assert weight_array(files["E.npy"]).dtype == np.int8
    assert weight_array(files["b.npy"]).dtype == np.float32


def test_weights_that_are_not_finite_are_refused() -> None:
    with pytest.raises(SentimentError, match="S074.*'E'.*int8"):
        weight_files("E", np.full((64, 64), np.inf), "int8")


@pytest.mark.parametrize("shape", [(), (4,), (1, 4), (3, 1), (4, 6), (2, 2)])
def test_scales_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="scales"):
        dequantized(np.ones((4, 6), dtype=np.int8), np.ones(shape, dtype=np.float32))
