"""Checks that take too long for .ci/run. `nox --list` describes the sessions; `pip install nox uv` installs the tools.

A session is skipped if its Python is not installed. Arguments after -- go to pytest, such as the files to run.
"""

import re
import shutil
from pathlib import Path

import nox

PYTHONS = ["3.11", "3.12", "3.13"]

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "docs", "packages"]


@nox.session
def lint(session: nox.Session) -> None:
    """Lint, types, imports between rooms, and sizes."""
    session.install("-e", ".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports")
    session.run("python", ".ci/structure.py")


@nox.session(python=PYTHONS)
def full(session: nox.Session) -> None:
    """The whole suite, with every extra and the newest allowed versions."""
    session.install("-e", ".[dev]")
    session.run("pytest", "--numprocesses", "auto", *session.posargs)


@nox.session(python=PYTHONS)
def base(session: nox.Session) -> None:
    """The quick tests, without Trax, with the newest allowed versions."""
    session.install("-e", ".[test]")
    session.run("pytest", "-m", "not slow", "--numprocesses", "auto", *session.posargs)


@nox.session(python=PYTHONS, venv_backend="uv")
def lowest(session: nox.Session) -> None:
    """The quick tests, without Trax, with the lowest versions that setup.cfg allows."""
    session.install("--resolution", "lowest-direct", "-e", ".[test]")
    session.run("python", "-c", "import numpy, spacy; print('spaCy', spacy.__version__, 'NumPy', numpy.__version__)")
    session.run("pytest", "-m", "not slow", "--numprocesses", "auto", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation in site/."""
    session.install("-e", ".[docs]")
    session.run("mkdocs", "build", "--strict")


@nox.session
def coverage(session: nox.Session) -> None:
    """The lines that the suite runs, in subprocesses too."""
    session.install("-e", ".[dev]")
    session.run("pytest", "--numprocesses", "auto", "--cov", "--cov-report=term", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Hostile input, guided by coverage: a minute for each test of tests/fuzz, or libFuzzer's options after --."""
    session.install("-e", ".[dev]", "atheris>=3")
    options = session.posargs or ["-max_total_time=60"]
    found = re.findall(r"^def (test_\w+)", Path("tests/fuzz/test_hostile_input.py").read_text(), re.MULTILINE)
    for test in found:
        session.run("python", "tests/fuzz/guided.py", test, "-len_control=0", "-max_len=4096", *options)


@nox.session
def mutants(session: nox.Session) -> None:
    """Mutation testing of the modules named in pyproject.toml, in a copy. Takes hours on one core."""
    session.install("-e", ".[test]", "mutmut>=3.8")
    copy = Path(session.create_tmp()) / "repository"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(Path.cwd(), copy, ignore=shutil.ignore_patterns(".*", "mutants", "build"))
    session.chdir(copy)
    session.run("mutmut", "run", *session.posargs)
    session.run("mutmut", "export-cicd-stats")
    session.run("python", "-c", "print(open('mutants/mutmut-cicd-stats.json').read())")


@nox.session
def packages(session: nox.Session) -> None:
    """Build the wheel and the sdist twice: they must be the same to the byte and pass PyPI's checks."""
    session.install("build>=1.2", "twine>=6", "pytest>=8")
    session.run("bash", ".ci/packages", f"{session.bin}/python", external=True)


@nox.session
def audit(session: nox.Session) -> None:
    """List known vulnerabilities of the dependencies. For information: it does not fail."""
    session.install("pip-audit>=2.7", ".[train,parquet,serve]")
    session.run("pip-audit", "--skip-editable", "--progress-spinner=off", success_codes=range(256))
