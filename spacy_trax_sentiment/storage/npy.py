"""Bytes of .npy and .npz files to arrays, refused where they would take much more memory: a few can claim any size."""

import io
import math
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

Array = NDArray[Any]

_READ_HEADER = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_array(data: bytes) -> Array:
    """RETURNS: The array of a .npy file. Raises ValueError where it is not whole, or holds Python objects."""
    file = io.BytesIO(data)
    version = npy.read_magic(file)
    if version not in _READ_HEADER:
        raise ValueError(f"its version {version} is unknown")
    try:
        shape, _, dtype = _READ_HEADER[version](file)
    except Exception as error:  # whatever Python's tokenizer and parser raise, which read it as Python
        raise ValueError(f"its header cannot be read: {' '.join(map(str, error.args))[:200]}") from None
    # NumPy makes the array first, and reads then.
    claimed, there = math.prod(shape) * dtype.itemsize, len(data) - file.tell()
    if not dtype.hasobject and claimed != there:
        raise ValueError(f"it claims {claimed:,} bytes and holds {there:,}")
    array: Array = np.load(io.BytesIO(data), allow_pickle=False)
    return array
