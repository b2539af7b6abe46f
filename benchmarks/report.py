"""Print the machine, tables, and bounds that must hold, for all benchmarks."""

import platform
from collections.abc import Iterable
from importlib.metadata import version
from typing import NamedTuple

import wasabi


class Bound(NamedTuple):
    """A measured figure and the bound that it must keep."""

    what: str
    measured: float
    wanted: str
    met: bool


def print_machine(packages: Iterable[str] = ("spacy", "numpy", "vaderSentiment", "textblob", "spacytextblob")) -> None:
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    print(f"{platform.platform()}, Python {platform.python_version()}, {versions}")


def print_table(
    title: str, header: tuple[str, ...], rows: Iterable[tuple[str, ...]], aligns: tuple[str, ...] = ()
) -> None:
    aligns = aligns or ("l", *"r" * (len(header) - 1))
    print(f"\n{title}")
    print(wasabi.table(rows, header=header, divider=True, max_col=100, aligns=aligns), end="", flush=True)


def print_bounds(bounds: Iterable[Bound], digits: int = 2) -> None:
    rows = [(what, f"{measured:.{digits}f}", wanted, "yes" if met else "NO") for what, measured, wanted, met in bounds]
    print_table("Must hold", ("bound", "measured", "wanted", "met"), rows)


def at_least(what: str, measured: float, wanted: float) -> Bound:
    return Bound(what, measured, f">= {wanted:g}", measured >= wanted)


def at_most(what: str, measured: float, wanted: float) -> Bound:
    return Bound(what, measured, f"<= {wanted:g}", measured <= wanted)
