"""Model files made to do harm. Their checksums are correct, so that only the content can be refused."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import srsly
from spacy.language import Language

from spacy_trax_sentiment.component import TraxSentiment
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.storage.npy import read_array
from spacy_trax_sentiment.storage.sealed import SEAL, check_directory, manifest
from spacy_trax_sentiment.storage.whole import MANIFEST

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "v1"
# msgpack allocates lists of the claimed length, up to the length of the file, and can nest them.
MAX_GROWTH = 200 << 20


def written(directory: Path, **changed: bytes) -> Path:
    """Write the golden model with some files replaced, sealed again, and return its directory."""
    directory.mkdir(exist_ok=True)
    files = {path.name: path.read_bytes() for path in GOLDEN.iterdir() if path.name != MANIFEST}
    files |= {name.replace("__", "."): data for name, data in changed.items()}
    files[MANIFEST] = manifest(files, {})
    for name, data in files.items():
        (directory / name).write_bytes(data)
    return directory


def blank() -> tuple[Language, TraxSentiment]:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config={"pretrained": None})
    return nlp, find_component(nlp)


def header(shape: tuple[int, ...], dtype: str = "<f4") -> bytes:
    """Return the start of a .npy file that claims such an array."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


DEEP = b"[" * 100_000
HOSTILE = {
    "an array that claims a terabyte": ("E__npy", header((1 << 38,)) + bytes(100), r"S071.*E\.npy.*claims 1,099,511"),
    "an array that claims more than there is": ("b__npy", header((2,)) + bytes(7), r"S071.*claims 8 bytes and holds 7"),
    "an array of an unknown version": ("b__npy", b"\x93NUMPY\x09\x00", r"S071.*b\.npy.*version"),
    "an array whose header does not end": ("b__npy", b"\x93NUMPY\x01\0\x01\0{", r"S071.*b\.npy.*header"),
    "an array of strings": ("b__npy", header((2,), "<U1") + bytes(8), r"S071.*b\.npy"),
    "settings nested deep": ("settings__json", DEEP, r"S071.*settings\.json"),
    "a vocabulary nested deep": ("vocabulary__json", b'{"a":' * 100_000, r"S071.*vocabulary\.json"),
    "a vocabulary of numbers": ("vocabulary__json", b"[1, 2, 3]", "S073.*not a list of strings"),
    "a preprocessor that claims many items": ("preprocessor__msgpack", b"\xdd\xff\xff\xff\xff", "S073.*max_array_len"),
    "a preprocessor nested deep": ("preprocessor__msgpack", b"\xdc\xff\xff" * 100_000, "S073"),
    "a preprocessor without a method": ("preprocessor__msgpack", srsly.msgpack_dumps({"lexeme": 1}), "S073.*'lexeme'"),
    "a preprocessor of pairs far apart": (
        "preprocessor__msgpack",
        srsly.msgpack_dumps({"bigram_distance": 1 << 60}),
        "S073.*bigram_distance",
    ),
}


# Run in a process of its own, to measure the most memory it took.
PEAK = """
import resource, sys
from spacy_trax_sentiment import TextScorer
from test_hostile_files import *

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

nlp, component = blank()
component.from_disk(GOLDEN)
TextScorer(nlp)(["a"])
for path in sys.argv[1:]:
    before = peak()
    try:
        component.from_disk(path)
    except SentimentError as error:
        print(error)
    else:
        print("loaded")
    print(peak() - before)
"""


@pytest.mark.slow
def test_hostile_files_are_refused_before_they_take_memory(tmp_path: Path) -> None:
    paths = [written(tmp_path / str(i), **{name: data}) for i, (name, data, _) in enumerate(HOSTILE.values())]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *map(str, paths)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout.splitlines()
    for what, error, growth, (_, _, message) in zip(
        HOSTILE, printed[::2], printed[1::2], HOSTILE.values(), strict=True
    ):
        assert re.search(message, error), f"{what}: {error}"
        assert int(growth) < MAX_GROWTH, what


@pytest.mark.parametrize("value", [np.arange(6.0).reshape(2, 3), np.array(1), np.empty((0, 3)), np.array(["a", "bc"])])
def test_an_array_is_read_the_same_as_it_was_written(value: Any) -> None:
    file = io.BytesIO()
    np.save(file, value)
    found = read_array(file.getvalue())
    np.testing.assert_array_equal(found, value)
    assert found.dtype == value.dtype


@pytest.mark.parametrize("name", ["../b.npy", "/dev/zero", "x/../../b.npy"])
def test_a_manifest_may_only_name_files_within_its_directory(tmp_path: Path, name: str) -> None:
    directory = written(tmp_path / "m")
    files = {path.name: path.read_bytes() for path in directory.iterdir() if path.name != MANIFEST}
    (directory / MANIFEST).write_bytes(manifest(files | {name: b"x"}, {}))
    (tmp_path / "b.npy").write_bytes(b"x")
    with pytest.raises(SentimentError, match="S071.*not within"):
        blank()[1].from_disk(directory)
    (directory / SEAL).write_bytes(manifest({name: b"x"}, {}))
    with pytest.raises(SentimentError, match="S071.*not within"):
        check_directory(directory)


@pytest.mark.parametrize("name", ["b.npy", MANIFEST])
def test_only_regular_files_are_read(tmp_path: Path, name: str) -> None:
    directory = written(tmp_path / "m")
    (directory / name).unlink()
    os.mkfifo(directory / name)  # nobody writes to it, so that reading it would never end
    with pytest.raises(SentimentError, match=rf"S002.*{name}.*not a regular file"):
        blank()[1].from_disk(directory)
