from pathlib import Path

import pytest

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.storage.whole import require_free_file, whole_directory, write_file


def _pipeline(path: Path) -> Path:
    path.mkdir(parents=True)
    for name in ("config.cfg", "meta.json"):
        (path / name).write_text("old")
    return path


def _listing(path: Path) -> list[str]:
    return sorted(str(entry.relative_to(path)) for entry in path.rglob("*"))


def test_a_directory_appears_whole_with_its_parents(tmp_path: Path) -> None:
    with whole_directory(tmp_path / "a" / "m") as directory:
        (directory / "file").write_text("new")
        assert not (tmp_path / "a" / "m").exists()
    assert _listing(tmp_path) == ["a", "a/m", "a/m/file"]


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), whole_directory(tmp_path / "m") as directory:  # noqa: PT012
        (directory / "file").write_text("new")
        raise RuntimeError
    assert _listing(tmp_path) == []


def test_an_error_leaves_the_pipeline_that_should_have_been_replaced(tmp_path: Path) -> None:
    path = _pipeline(tmp_path / "m")
    with pytest.raises(RuntimeError), whole_directory(path, overwrite=True):
        raise RuntimeError
    assert _listing(tmp_path) == ["m", "m/config.cfg", "m/meta.json"]


def test_a_failing_rename_puts_the_old_pipeline_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _pipeline(tmp_path / "m")
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError("disk on fire")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(SentimentError, match="S032.*disk on fire"), whole_directory(path, overwrite=True):
        pass
    assert _listing(tmp_path) == ["m", "m/config.cfg", "m/meta.json"]


def test_an_empty_directory_is_filled(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    with whole_directory(tmp_path / "m") as directory:
        (directory / "file").write_text("new")
    assert _listing(tmp_path) == ["m", "m/file"]


def test_a_pipeline_is_replaced_only_on_request(tmp_path: Path) -> None:
    path = _pipeline(tmp_path / "m")
    with pytest.raises(SentimentError, match="S030.*--overwrite"), whole_directory(path):
        pass
    with whole_directory(path, overwrite=True) as directory:
        (directory / "file").write_text("new")
    assert _listing(tmp_path) == ["m", "m/file"]


def test_nothing_but_a_pipeline_is_ever_replaced(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letters").write_text("dear")
    (tmp_path / "link").symlink_to(_pipeline(tmp_path / "elsewhere"))
    for name in ("home", "home/letters", "link"):
        with pytest.raises(SentimentError, match="S031"), whole_directory(tmp_path / name, overwrite=True):
            pass
    assert (tmp_path / "home" / "letters").read_text() == "dear"


def test_a_path_that_cannot_be_written_is_named_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SentimentError, match="S032.*file/m"), whole_directory(tmp_path / "file" / "m"):
        pytest.fail("entered")


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new" / "a.html"
    write_file(path, "ä\n")
    assert path.read_bytes() == "ä\n".encode()
    with pytest.raises(SentimentError, match="S068"):
        write_file(path, "b")
    with pytest.raises(SentimentError, match="S069.*not a regular file"):
        require_free_file(path.parent, overwrite=True)

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        with pytest.raises(SentimentError, match="S069.*No space left"):
            write_file(path, "b", overwrite=True)
    assert path.read_bytes() == "ä\n".encode()
    write_file(path, "b", overwrite=True)
    assert path.read_text() == "b"
    assert list(path.parent.iterdir()) == [path]
