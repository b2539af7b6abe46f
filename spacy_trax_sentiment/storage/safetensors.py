"""Read the arrays of a safetensors file: a length, a JSON header, then the values. Nothing in it can run."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DTYPES: dict[Any, Any] = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2")}


def read_safetensors(path: Path, sha256: str | None = None) -> dict[str, NDArray[np.float32]]:
    """Return a file's arrays of floats, each as float32.

    Args:
        path: The file.
        sha256: The checksum that it must have; None for any.

    Returns:
        The arrays by name. Those of other types than float32 and float16 are left out.

    Raises:
        OSError: The file cannot be read.
        ValueError: The checksum differs, or the file is damaged.
    """
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if sha256 is not None and found != sha256:
        raise ValueError(f"its sha256 is {found}, not {sha256}")
    start = 8 + int.from_bytes(data[:8], "little")
    if len(data) < 8 or start > len(data):
        raise ValueError("its header is cut off")
    header: Any = json.loads(data[8:start])
    if not isinstance(header, Mapping):
        raise ValueError("its header is not a JSON object")
    arrays = {}
    for name, entry in header.items():
        if not isinstance(entry, Mapping) or entry.get("dtype") not in _DTYPES:
            continue
        first, last = entry["data_offsets"]
        if not 0 <= first <= last <= len(data) - start:
            raise ValueError(f"the array '{name}' is cut off")
        values = np.frombuffer(data[start + first : start + last], dtype=_DTYPES[entry["dtype"]])
        arrays[name] = values.reshape(entry["shape"]).astype(np.float32)
    return arrays
