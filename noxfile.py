"""What takes too long for .ci/run. `nox --list` tells of each session; `pip install nox uv` brings what they need.

A session for a Python that is not installed is skipped. Arguments after -- are pytest's, such as the files to run.
"""

import re
import shutil
from pathlib import Path

import nox

PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
# What the suite needs beside what an install brings, and the tests that need no extra but `parquet`.
TEST_TOOLS = ["pytest>=8", "hypothesis>=6.100"]
BASE_TESTS = [
    "tests/text",
    "tests/serving",
    "tests/explanation",
    "tests/model/test_files.py",
    "tests/cli/test_predict.py",
]

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "docs", "packages"]


@nox.session
def lint(session: nox.Session) -> None:
    """Lint and types."""
    session.install("-e", ".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session(python=PYTHONS)
def full(session: nox.Session) -> None:
    """The whole suite, with every extra, newest allowed versions."""
    session.install("-e", ".[dev]")
    session.run("pytest", "--numprocesses", "auto", *session.posargs)


@nox.session(python=PYTHONS)
def base(session: nox.Session) -> None:
    """What serves, newest allowed versions, with the extra that tests of tables need alone. Trax is not there."""
    session.install(*TEST_TOOLS, ".[parquet]")
    _run_base_tests(session)


@nox.session(python=PYTHONS, venv_backend="uv")
def lowest(session: nox.Session) -> None:
    """The same, lowest allowed versions of what setup.cfg names."""
    session.install("--resolution", "lowest-direct", *TEST_TOOLS, ".[parquet]")
    session.run("python", "-c", "import numpy, spacy; print('spaCy', spacy.__version__, 'NumPy', numpy.__version__)")
    _run_base_tests(session)


@nox.session
def docs(session: nox.Session) -> None:
    """The site of the documentation, in site/."""
    session.install("-e", ".[docs]")
    session.run("mkdocs", "build", "--strict")


@nox.session
def coverage(session: nox.Session) -> None:
    """The lines that the suite runs, in subprocesses too."""
    session.install("-e", ".[dev]", "pytest-cov>=6")
    session.run(
        "pytest", "--numprocesses", "auto", "--cov", "--cov-report=term", "--cov-fail-under=95", *session.posargs
    )


@nox.session
def fuzz(session: nox.Session) -> None:
    """Hostile input, guided by what it reaches: each test of tests/fuzz for a minute, or by libFuzzer's options."""
    session.install("-e", ".[dev]", "atheris>=3")
    options = session.posargs or ["-max_total_time=60"]
    found = re.findall(r"^def (test_\w+)", Path("tests/fuzz/test_hostile_input.py").read_text(), re.MULTILINE)
    for test in found:
        session.run("python", "tests/fuzz/guided.py", test, "-len_control=0", "-max_len=4096", *options)


@nox.session
def mutants(session: nox.Session) -> None:
    """Mutation testing, in a copy; the modules are named in pyproject.toml. Some hours on one core."""
    session.install("-e", ".[dev]", "mutmut>=3.8")
    copy = Path(session.create_tmp()) / "repository"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(Path.cwd(), copy, ignore=shutil.ignore_patterns(".*", "mutants", "build"))
    session.chdir(copy)
    session.run("mutmut", "run", *session.posargs)
    session.run("mutmut", "export-cicd-stats")
    session.run("python", "-c", "print(open('mutants/mutmut-cicd-stats.json').read())")


@nox.session
def packages(session: nox.Session) -> None:
    """Wheel and sdist, built twice: the same to the byte, and as PyPI wants them."""
    session.install("build>=1.2", "twine>=6", "pytest>=8")
    session.run("bash", ".ci/packages", f"{session.bin}/python", external=True)


@nox.session
def audit(session: nox.Session) -> None:
    """Known vulnerabilities of what an install brings. It informs, and does not fail."""
    session.install("pip-audit>=2.7", ".[train,parquet,serve]")
    session.run("pip-audit", "--skip-editable", "--progress-spinner=off", success_codes=range(256))


def _run_base_tests(session: nox.Session) -> None:
    session.run("pytest", "-p", "no:cacheprovider", *(session.posargs or BASE_TESTS))
