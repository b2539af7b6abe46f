"""The contents of the wheel and the sdist. `.ci/packages` builds them and sets DISTRIBUTIONS to their folder."""

import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PACKAGE = "spacy_trax_sentiment"
METADATA = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt", "licenses/LICENSE"}
METADATA |= {"licenses/LICENSE-APACHE", "licenses/NOTICE"}


@pytest.fixture(scope="module")
def distributions() -> Path:
    if "DISTRIBUTIONS" not in os.environ:
        pytest.skip("nothing is built; .ci/packages does that")
    return Path(os.environ["DISTRIBUTIONS"])


def _package_files() -> set[str]:
    """Return the committed files of the package."""
    listed = subprocess.run(["git", "ls-files", PACKAGE], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(listed.stdout.split())


def test_the_wheel_contains_the_package_and_nothing_else(distributions: Path) -> None:
    (path,) = distributions.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        names = set(wheel.namelist())
    metadata = {name for name in names if ".dist-info/" in name}
    assert names - metadata == _package_files()
    assert {name.split(".dist-info/")[1] for name in metadata} == METADATA


def test_the_sdist_contains_what_builds_the_wheel(distributions: Path) -> None:
    (path,) = distributions.glob("*.tar.gz")
    with tarfile.open(path) as sdist:
        members = sdist.getmembers()
    names = {member.name.partition("/")[2] for member in members if member.isfile()}
    needed = {"LICENSE", "LICENSE-APACHE", "NOTICE", "PKG-INFO", "README.md", "pyproject.toml", "setup.cfg", "setup.py"}
    assert needed | _package_files() <= names
    others = names - needed - _package_files()
    assert {name for name in others if not name.startswith((f"{PACKAGE}.egg-info/", "tests/"))} == set()
    assert {(member.uname, member.uid, member.mtime) for member in members} == {("", 0, members[0].mtime)}
