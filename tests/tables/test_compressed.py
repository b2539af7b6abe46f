"""Tables that are compressed by gzip or zstd."""

import gzip
import json
import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.errors import MissingExtraError, SentimentError
from spacy_trax_sentiment.jobs.parts import Job
from spacy_trax_sentiment.jobs.run import run
from spacy_trax_sentiment.tables.lines import LINE_LIMIT
from spacy_trax_sentiment.tables.readers import labelled_rows, open_input
from spacy_trax_sentiment.tables.rows import input_format, output_format, text_batches
from spacy_trax_sentiment.tables.sources import packer
from spacy_trax_sentiment.tables.writers import open_output

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    zstd = pytest.importorskip("backports.zstd")

PACK: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "zst": zstd.compress}
UNPACK: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.decompress, "zst": zstd.decompress}
CONTENT = {
    "csv": "id;text\n1;good\n2;bad\n",
    "tsv": "id\ttext\n1\tgood\n2\tbad\n",
    "jsonl": '{"text": "good"}\n{"text": "bad"}\n',
    "ndjson": '{"text": "good"}\n{"text": "bad"}\n',
    "txt": "good\nbad\n",
}


def read(path: Path, **options: Any) -> list[str | None]:
    with open_input(str(path), input_format(str(path)), **options) as batches:
        return [text for batch in batches for text in batch.texts]


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("format", CONTENT)
def test_each_text_format_may_be_compressed(tmp_path: Path, format: str, suffix: str) -> None:
    path = tmp_path / f"a.{format}.{suffix.upper()}"
    path.write_bytes(PACK[suffix](CONTENT[format].encode()))
    assert read(path) == ["good", "bad"]
    path.write_bytes(PACK[suffix](CONTENT[format].encode("utf-16")))
    assert read(path, encoding="utf-16") == ["good", "bad"]
    path.write_bytes(PACK[suffix](b""))
    assert read(path) == []


def test_parquet_is_not_compressed_again() -> None:
    for call in (input_format, output_format):
        with pytest.raises(SentimentError, match=r"S060.*'parquet\.gz' is not a format"):
            call("a.parquet.gz")
    with pytest.raises(SentimentError, match=r"S060.*a\.gz"):
        input_format("a.gz")
    assert input_format("a.gz", "csv") == "csv"


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=10), max_size=20))
@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl"])
def test_output_may_be_compressed_and_is_always_the_same(
    tmp_path_factory: pytest.TempPathFactory, format: str, suffix: str, texts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("tables")
    for name in ("a", "b"):
        for path in (folder / f"{name}.{format}.{suffix}", folder / f"{name}.{format}"):
            with open_output(str(path), output_format(str(path))) as write:
                for batch in text_batches(texts, "text", 3):
                    write(batch, {"label": ["up"] * len(batch.texts)})
    plain, packed = (folder / f"a.{format}").read_bytes(), (folder / f"a.{format}.{suffix}").read_bytes()
    assert UNPACK[suffix](packed) == plain
    assert packed == (folder / f"b.{format}.{suffix}").read_bytes()


def test_an_error_leaves_no_compressed_output(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), open_output(str(tmp_path / "a.csv.gz"), "csv"):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


@given(position=st.floats(0, 0.99), data=st.data())
@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("format", ["csv", "txt"])
def test_a_damaged_archive_is_reported_or_read_whole(
    tmp_path_factory: pytest.TempPathFactory, format: str, suffix: str, position: float, data: st.DataObject
) -> None:
    texts = [str(random.Random(i).random()) for i in range(50)]
    content = "\n".join(["text", *texts] if format == "csv" else texts).encode()
    packed = bytearray(PACK[suffix](content))
    at = int(position * len(packed))
    if data.draw(st.booleans(), "truncated"):
        del packed[at or 1 :]
    else:
        packed[at] ^= data.draw(st.integers(1, 255), "change")
    path = tmp_path_factory.mktemp("tables") / f"a.{format}.{suffix}"
    path.write_bytes(packed)
    with suppress(SentimentError):
        assert read(path) == texts or suffix == "zst"  # zstd.compress adds no checksum


@pytest.mark.parametrize("suffix", PACK)
def test_a_truncated_archive_and_a_wrong_suffix_are_reported(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.csv.{suffix}"
    for content in (PACK[suffix](b"text\ngood\n")[:-3], b"text\ngood\n"):
        path.write_bytes(content)
        with pytest.raises(SentimentError, match=rf"S155.*a\.csv\.{suffix}: cannot be decompressed"):
            read(path)
    with pytest.raises(SentimentError, match="S061.*No such file"):
        read(tmp_path / f"none.csv.{suffix}")


def test_zstd_that_is_not_installed_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r"S154.*a\.csv\.zst.*pip install '\.\[tables\]'"):
        packer(str(tmp_path / "a.csv.zst"))


def test_labelled_rows_may_be_compressed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "a", "label": "up"}\n'))
    assert list(labelled_rows(path)) == [(1, "a", "up")]


def test_compressed_files_of_a_directory_are_scored_in_one_part_each(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for suffix, pack in PACK.items():
        (tmp_path / "in" / f"a.jsonl.{suffix}").write_bytes(pack(b'{"text": "good"}\n' * 50))
    job = Job("en", str(tmp_path / "out"))
    outcomes = run(job, [str(tmp_path / "in")], concurrency=1, bytes_per_part=10).outcomes
    assert [(outcome.written.n_rows, outcome.error) for outcome in outcomes] == [(50, None)] * 2
    written = [path for path in Path(job.output).iterdir() if path.suffix == ".jsonl"]
    assert all(json.loads(line)["sentiment"] == "positive" for path in written for line in path.open())
    assert len(written) == 2


# Run in a process of its own, to measure its peak of RAM.
PEAK = """
import resource, sys
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.tables.readers import open_input

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

import gzip, zlib, importlib
importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
before = peak()
for path in sys.argv[1:]:
    try:
        with open_input(path, path.split(".")[-2]) as batches:
            for batch in batches:
                pass
    except SentimentError as error:
        print(error)
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.parametrize("format", ["csv", "jsonl", "txt"])
def test_an_archive_that_grows_without_end_takes_no_memory(tmp_path: Path, format: str) -> None:
    paths = []
    for suffix in PACK:
        paths.append(str(tmp_path / f"a.{format}.{suffix}"))
        opener: Any = gzip.open if suffix == "gz" else zstd.open
        with opener(paths[-1], "wb") as file:
            for _ in range(1 << 9):
                file.write(b"a" * (1 << 20))
    done = subprocess.run([sys.executable, "-c", PEAK, *paths], capture_output=True, text=True, check=True)
    *errors, growth = done.stdout.splitlines()
    assert [error[:6] for error in errors] == ["[S018]"] * 2
    assert int(growth) < 10 * LINE_LIMIT
