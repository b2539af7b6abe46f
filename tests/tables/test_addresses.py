import errno
import io
import re
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest

from spacy_trax_sentiment.errors import MissingExtraError, SentimentError
from spacy_trax_sentiment.jobs.local import run_locally
from spacy_trax_sentiment.jobs.parts import Job, begin, input_files, parts_of
from spacy_trax_sentiment.tables import addresses
from spacy_trax_sentiment.tables.readers import open_input
from spacy_trax_sentiment.tables.rows import input_format
from spacy_trax_sentiment.tables.writers import open_output

pa = pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")
ArrowFSWrapper = pytest.importorskip("fsspec.implementations.arrow").ArrowFSWrapper

FILES = ("a.jsonl", "b c%.jsonl", "c.csv", ".d.jsonl", "_e.jsonl", "f.md", "day=1/a.jsonl", "day=2/b/a.jsonl")


@pytest.fixture
def root(tmp_path: Path) -> str:
    """The address of a directory with files in it."""
    for name in FILES:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"text": "good"}\n')
    return f"file://{quote(str(tmp_path))}/in"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", ["a.jsonl", "b c%.jsonl", "c.csv"]),
        ("/", ["a.jsonl", "b c%.jsonl", "c.csv"]),
        ("/a.jsonl", ["a.jsonl"]),
        ("/*.jsonl", ["_e.jsonl", "a.jsonl", "b c%.jsonl"]),
        ("/[ab]*.jsonl", ["a.jsonl", "b c%.jsonl"]),
        ("/?.csv", ["c.csv"]),
        ("/b%20*", ["b c%.jsonl"]),
        ("/day=*", ["day=1/a.jsonl"]),
        ("/day=*/*.jsonl", ["day=1/a.jsonl"]),
        ("/**/a.jsonl", ["a.jsonl", "day=1/a.jsonl", "day=2/b/a.jsonl"]),
    ],
)
def test_addresses_find_what_paths_do(root: str, pattern: str, expected: list[str]) -> None:
    found = input_files([root + pattern])
    assert found == [f"{root}/{quote(name, safe='/=')}" for name in expected]
    path = addresses.local_path(root + pattern)
    if "[" not in pattern and "%" not in pattern and "?" not in pattern:
        assert input_files([str(path)]) == [str(addresses.local_path(each)) for each in found]
    for each in found:
        with open_input(each, "txt") as batches:
            assert [text for batch in batches for text in batch.texts] == ['{"text": "good"}']


def test_a_directory_that_cannot_be_listed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files would be missing from the output otherwise."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c.jsonl").touch()
    ls = ArrowFSWrapper.ls

    def fail_below(store: Any, path: str, **options: Any) -> Any:
        if path.endswith("/b"):
            raise OSError(errno.EIO, "the disk has failed")
        return ls(store, path, **options)

    monkeypatch.setattr(ArrowFSWrapper, "ls", fail_below)
    with pytest.raises(SentimentError, match="S118.*disk has failed"):
        input_files([f"file://{quote(str(tmp_path))}/**/*.jsonl"])


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("ftp://host/*.csv", "S119.*'ftp'.*s3"),
        ("s3://key:secret@bucket/*.csv", "S142.*AWS_ACCESS_KEY_ID"),
        ("file:///no such directory/*.csv", "S118.*cannot be read"),
        # S3 waits for an answer from the network.
        pytest.param("s3:///*.csv", "S118.*[Bb]ucket.*credentials", marks=pytest.mark.slow),
    ],
)
def test_addresses_that_cannot_be_used(address: str, error: str) -> None:
    with pytest.raises(SentimentError, match=error) as caught:
        input_files([address])
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_address_without_files_is_reported(root: str) -> None:
    for pattern in ("/none", "/none/*.csv", "/*.tsv"):
        with pytest.raises(SentimentError, match="S110.*" + pattern.replace("*", r"\*")):
            input_files([root + pattern])
    with pytest.raises(SentimentError, match="S118.*none"), open_input(f"{root}/none.txt", "txt"):
        pass
    with pytest.raises(SentimentError, match="S118.*none"):
        begin(Job("en", str(addresses.local_path(root)) + "/out"), [f"{root}/none.txt"])


@pytest.mark.parametrize("package", ["pyarrow", "fsspec"])
def test_addresses_need_pyarrow_and_fsspec(root: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.partition(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match="S117.*parquet"):
        input_files([root])


def test_a_changed_file_is_noticed(root: str, tmp_path: Path) -> None:
    job = Job("en", str(tmp_path / "out"))
    begin(job, [f"{root}/a.jsonl"])
    (tmp_path / "out" / "a.jsonl").touch()
    begin(job, [f"{root}/a.jsonl"])
    (tmp_path / "in" / "a.jsonl").write_text("changed\n")
    with pytest.raises(SentimentError, match=r"S112.*a\.jsonl"):
        begin(job, [f"{root}/a.jsonl"])


def test_output_goes_to_a_local_directory_outside_the_input(root: str, tmp_path: Path) -> None:
    with pytest.raises(SentimentError, match="S141.*s3://bucket/out"):
        begin(Job("en", "s3://bucket/out"), input_files([root]))
    with pytest.raises(SentimentError, match="S116"):
        begin(Job("en", str(tmp_path / "in")), input_files([root]))
    with (
        pytest.raises(SentimentError, match="S141.*s3://bucket/out"),
        open_output("s3://bucket/out.jsonl", "jsonl"),
    ):
        pass
    with (
        pytest.raises(SentimentError, match="S069.*it is the input"),
        open_output(str(tmp_path / "in" / "a.jsonl"), "jsonl", overwrite=True, source=f"{root}/a.jsonl"),
    ):
        pass


class Store(BaseHTTPRequestHandler):
    """The part of S3 that reading needs: heads of objects, ranges of them, and lists."""

    objects: ClassVar[dict[str, bytes]] = {}
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        content = self.objects.get(f"{bucket}/{key}")
        if "list-type" in query:
            self._send(200, self._list(bucket, query.get("prefix", ""), query.get("delimiter", "")).encode())
        elif bucket == "private":
            self._send(403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
        elif content is None:
            self._send(404 if key else 200, b"")
        else:
            found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            start, end = map(int, found.groups()) if found else (0, len(content) - 1)
            self._send(206 if found else 200, content[start : end + 1])

    def _list(self, bucket: str, prefix: str, delimiter: str) -> str:
        entries = {}
        for name, content in sorted(self.objects.items()):
            key = name.removeprefix(f"{bucket}/")
            if name.startswith(f"{bucket}/{prefix}"):
                head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
                about = f"<Size>{len(content)}</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
                entries[prefix + head + found] = (
                    f"<CommonPrefixes><Prefix>{prefix}{head}/</Prefix></CommonPrefixes>"
                    if found
                    else f"<Contents><Key>{key}</Key>{about}</Contents>"
                )
        return f"<ListBucketResult><KeyCount>{len(entries)}</KeyCount>{''.join(entries.values())}</ListBucketResult>"

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", "application/xml")
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Start a store on this machine, with one bucket, and return the options of its addresses."""
    pq = pytest.importorskip("pyarrow.parquet")
    parquet = io.BytesIO()
    pq.write_table(pa.table({"id": range(9), "text": ["good"] * 9}), parquet)
    objects = {"bucket/day=1/a b.parquet": parquet.getvalue(), "bucket/day=2/a.parquet": parquet.getvalue()}
    objects["bucket/a.jsonl"] = b'{"text": "good"}\n' * 20
    monkeypatch.setattr(Store, "objects", objects)
    for name, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with ThreadingHTTPServer(("127.0.0.1", 0), Store) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"?endpoint_override=127.0.0.1:{server.server_port}&scheme=http"
        server.shutdown()


def test_objects_in_s3_are_found_and_scored_in_parts(store: str, tmp_path: Path) -> None:
    files = input_files([f"s3://bucket/day=*/*.parquet{store}", f"s3://bucket{store}"])
    assert all(file.endswith(store) for file in files)
    assert {input_format(file) for file in files} == {"jsonl", "parquet"}
    assert [str(addresses.as_path(file)) for file in files] == ["/a.jsonl", "/day=1/a b.parquet", "/day=2/a.parquet"]
    job = Job("en", str(tmp_path / "out"))
    begin(job, files)
    parts = [part for file in files for part in parts_of(file, job, rows_per_part=5, bytes_per_part=100)]
    outcomes = list(run_locally(job, parts, 1))
    assert [(outcome.written.n_rows, outcome.error) for outcome in outcomes] == [
        *[(n_rows, None) for n_rows in (6, 6, 6, 2)],
        *[(n_rows, None) for n_rows in (5, 4, 5, 4)],
    ]
    with pytest.raises(SentimentError, match="S110.*none"):
        input_files([f"s3://bucket/none{store}"])
    with pytest.raises(SentimentError, match="S118.*(ACCESS_DENIED|Access Denied|403).*credentials"):
        parts_of(f"s3://private/a.parquet{store}", job)
