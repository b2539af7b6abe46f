"""The console script run in this process, and a saved model."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from spacy.language import Language

from spacy_trax_sentiment.cli import main


class Result(NamedTuple):
    status: int
    out: str
    err: str

    def is_one_line(self, status: int) -> bool:
        """Return whether the script ended with this status and one line on standard error, and printed nothing else."""
        lines = self.err.splitlines()
        return self.status == status and not self.out and len(lines) == 1 and lines[0].startswith("trax-sentiment: ")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Result]]:
    def run_main(*arguments: object) -> Result:
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(int(caught.value.code or 0), captured.out, captured.err)

    yield run_main
    logger = logging.getLogger("spacy_trax_sentiment")  # a command sets its level, which other tests must not inherit
    logger.handlers = []
    logger.setLevel(logging.NOTSET)


@pytest.fixture(scope="session")
def model(bundled: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a pipeline of two labels. Tests must not change it."""
    path = tmp_path_factory.mktemp("models") / "m"
    bundled.to_disk(path)
    return path
