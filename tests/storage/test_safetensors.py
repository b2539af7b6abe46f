import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from spacy_trax_sentiment.storage.safetensors import read_safetensors


def _file(path: Path, header: object, data: bytes = b"") -> Path:
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def test_floats_are_read(tmp_path: Path) -> None:
    a, b = np.arange(6, dtype="<f4").reshape(2, 3), np.array([0.5, -2], dtype="<f2")
    header = {
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "b": {"dtype": "F16", "shape": [2], "data_offsets": [24, 28]},
        "ids": {"dtype": "I64", "shape": [0], "data_offsets": [28, 28]},
    }
    path = _file(tmp_path / "a.safetensors", header, a.tobytes() + b.tobytes())
    found = read_safetensors(path, hashlib.sha256(path.read_bytes()).hexdigest())
    assert set(found) == {"a", "b"}
    assert np.array_equal(found["a"], a)
    assert found["b"].tolist() == [0.5, -2]
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}}, "cut off"),
        ({"a": {"dtype": "F32", "shape": [9], "data_offsets": [-4, 4]}}, "cut off"),
        ({"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 8]}}, "reshape"),
        ([], "not a JSON object"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, header: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_safetensors(_file(tmp_path / "a.safetensors", header, bytes(8)))


def test_a_file_that_is_cut_off_or_another_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes((1 << 40).to_bytes(8, "little") + b"{}")
    with pytest.raises(ValueError, match="header is cut off"):
        read_safetensors(path)
    with pytest.raises(ValueError, match=r"its sha256 is \w{64}, not 00"):
        read_safetensors(path, "00")
