"""Bytes of a .npy file to an array, refused if they claim more data than they hold."""

import io
import math
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

_READ_HEADER = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_array(data: bytes) -> NDArray[Any]:
    """Return the array of a .npy file, or raise ValueError if it is damaged or holds Python objects."""
    file = io.BytesIO(data)
    version = npy.read_magic(file)
    if version not in _READ_HEADER:
        raise ValueError(f"its version {version} is unknown")
    try:
        shape, _, dtype = _READ_HEADER[version](file)
    except Exception as error:  # NumPy has Python parse the header, which may raise anything
        raise ValueError(f"its header cannot be read: {' '.join(map(str, error.args))[:200]}") from None
    # NumPy would allocate the array before it reads.
    claimed, there = math.prod(shape) * dtype.itemsize, len(data) - file.tell()
    if not dtype.hasobject and claimed != there:
        raise ValueError(f"it claims {claimed:,} bytes and holds {there:,}")
    array: NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
    return array
