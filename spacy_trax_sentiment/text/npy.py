"""Bytes of .npy and .npz files to arrays, refused where they would take much more memory: a few can claim any size."""

import io
import math
import zipfile
import zlib
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


def read_arrays(data: bytes, most_bytes: int) -> dict[str, Array]:
    """RETURNS: The arrays of a .npz file, by name.

    most_bytes: Of all arrays, unpacked. What is packed can be a thousandth of that.

    Raises ValueError where they are more, or where the file is not whole or holds Python objects.
    """
    require_small(data, most_bytes)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {member.filename.removesuffix(".npy"): _member(archive, member) for member in archive.infolist()}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, zlib.error) as error:
        raise ValueError(str(error)) from None


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    with archive.open(member) as file:
        # Without a number, all that is packed is unpacked, be it more than it claims; with one more, its end is seen,
        # and its checksum compared.
        return read_array(file.read(member.file_size + 1))


def require_small(data: bytes, most_bytes: int) -> None:
    """Raises ValueError where the arrays of a .npz file claim more bytes, unpacked, or it is no such file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            claimed = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError) as error:
        raise ValueError(str(error)) from None
    if claimed > most_bytes:
        raise ValueError(f"it claims {claimed:,} bytes, more than {most_bytes:,}")
