from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark_module(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModuleType]:
    """Import a module as the scripts do, or skip the test if a package that it needs is missing."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    def load(name: str, *needs: str) -> ModuleType:
        for package in needs:
            pytest.importorskip(package)
        return import_module(name)

    return load
