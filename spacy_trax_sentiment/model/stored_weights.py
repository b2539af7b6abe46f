"""Weights to .npy files and back: as float32, float16, or int8 beside float32 scales."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import Errors, SentimentError
from ..storage.npy import read_array
from ..text.arrays import Array

WEIGHT_DTYPES = ("float32", "float16", "int8")

_ARRAY, _SCALE = ".npy", ".scale.npy"
# Smaller arrays, and vectors, stay float32: they take little, and errors in them are seen in every text.
_FEWEST_VALUES = 4096
_LARGEST = 127
# Sums of products of smaller values fit into float32.
_HUGE = 1e15


def weight_files(name: str, value: Any, dtype: str) -> dict[str, bytes]:
    """Return the files of a weight by name, or raise SentimentError if it is not finite as that type."""
    array = np.asarray(value)
    quantized = dtype == "int8"
    with np.errstate(over="ignore"):
        array = array.astype(np.float32 if quantized else dtype)
    if not np.isfinite(array).all():
        raise SentimentError(Errors.S074.format(name=name, dtype=dtype))
    if quantized and array.ndim > 1 and array.size >= _FEWEST_VALUES:
        values, scale = quantize(array)
        return {name + _ARRAY: _npy(values), name + _SCALE: _npy(scale)}
    return {name + _ARRAY: _npy(array)}


def stored(value: Any, dtype: str) -> Array:
    """Return a weight as it is after it was saved as that type and loaded, float32."""
    files = weight_files("it", value, dtype)
    array = weight_array(files["it" + _ARRAY])
    return dequantized(array, weight_array(files[scale_file("it")])) if array.dtype == np.int8 else array


def weight_names(files: Mapping[str, bytes]) -> list[str]:
    """Return the names of the weights that the files hold."""
    arrays = (name for name in files if name.endswith(_ARRAY) and not name.endswith(_SCALE))
    return [name.removesuffix(_ARRAY) for name in arrays]


def scale_file(name: str) -> str:
    """Return the name of the file with a weight's scales."""
    return name + _SCALE


def weight_array(data: bytes) -> Array:
    """Return the array of a weight's or a scale's file, or raise ValueError if it is damaged, or not finite or huge."""
    array = read_array(data)
    if array.dtype == np.int8:
        return array
    array = array.astype(np.float32)
    if not (np.abs(array) < _HUGE).all():
        raise ValueError("it holds values that are not finite, or no weights")
    return array


def quantize(array: Array) -> tuple[Array, Array]:
    """Return int8 values and float32 scales that broadcast, whose product is near the array (at least 2-D).

    There is a scale for each index of the first axis or for each of the last, whichever comes nearer. The largest error
    is half a scale: 1/254 of the largest value that shares it.
    """
    best = None
    for kept in (0, array.ndim - 1):
        axes = tuple(axis for axis in range(array.ndim) if axis != kept)
        scale = np.abs(array).max(axis=axes, keepdims=True).astype(np.float32) / np.float32(_LARGEST)
        scale[scale == 0] = 1
        values = np.clip(np.rint(array / scale), -_LARGEST, _LARGEST).astype(np.int8)
        error = float(np.square(dequantized(values, scale) - array).sum(dtype=np.float64))
        if best is None or error < best[0]:
            best = error, values, scale
    assert best is not None
    return best[1], best[2]


def dequantized(values: Array, scale: Array) -> Array:
    """Return int8 values times their scales, float32, or raise ValueError if the shapes do not fit."""
    ones = (1,) * (values.ndim - 1)
    if values.dtype != np.int8 or scale.shape not in ((*values.shape[:1], *ones), (*ones, *values.shape[-1:])):
        raise ValueError(f"its scales {scale.shape} do not fit {values.dtype} of the shape {values.shape}")
    return np.asarray(values * scale, dtype=np.float32)


def _npy(array: Array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
