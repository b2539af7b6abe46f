"""spaCy's installed tests, with `textcat` replaced by `trax_sentiment` as they are read.

The source of a test module is rewritten in memory and run. pytest then collects what it defines like any other test.
Tests that are parametrized over textcat's architectures get ours instead.
"""

import importlib.util
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from thinc.api import Config

ARCHITECTURE = {
    "@architectures": "spacy_trax_sentiment.Classifier.v1",
    "embedding_dim": 8,
    "preprocessor": {"@misc": "spacy_trax_sentiment.SentimentTerms.v1"},
}
LAYER = {
    "@architectures": "spacy_trax_sentiment.TraxLayer.v1",
    "preprocessor": {"@misc": "spacy_trax_sentiment.SentimentTerms.v1"},
    "layer": {"@misc": "spacy_trax_sentiment.Convolution.v1"},
}
ARCHITECTURES = (ARCHITECTURE, {**ARCHITECTURE, "hidden_width": 8}, LAYER)

_OURS = "from spacy_trax_sentiment.component import"
_REWRITTEN = (
    (r'"textcat"', '"trax_sentiment"'),
    (r"\bcomponents\.textcat\b", "components.trax_sentiment"),
    (r"import TextCategorizer\b", f"import TextCategorizer as _; {_OURS} TraxSentiment as TextCategorizer"),
    (r"from spacy\.pipeline\.textcat import DEFAULT_SINGLE_TEXTCAT_MODEL", f"{_OURS} DEFAULT_MODEL"),
    (r"\bDEFAULT_SINGLE_TEXTCAT_MODEL\b", "DEFAULT_MODEL"),
)


def adapted(name: str, does_not_apply: Mapping[str, str], rewritten: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return what the installed test module `name` defines after the replacements.

    Args:
        name: The module, such as "spacy.tests.pipeline.test_textcat".
        does_not_apply: The tests to leave out, each with its reason. An unknown name is an error, so the list stays
            true.
        rewritten: Further replacements, by pattern. A pattern that is not found is an error.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        pytest.skip(f"{name} is not installed", allow_module_level=True)
    source = Path(spec.origin).read_text(encoding="utf-8")
    for pattern, replacement in _REWRITTEN:
        source = re.sub(pattern, replacement, source)
    for pattern, replacement in (rewritten or {}).items():
        source, n_replaced = re.subn(pattern, replacement, source)
        assert n_replaced, f"{name} no longer has {pattern}"
    module = ModuleType(f"adapted_{name.rpartition('.')[2]}")
    module.__package__, module.__file__ = spec.parent, spec.origin
    sys.modules[module.__name__] = module  # `inspect` looks there
    exec(compile(source, spec.origin, "exec"), vars(module))
    defined = {key: value for key, value in vars(module).items() if not key.startswith("__")}
    for test in does_not_apply:
        del defined[test]
    for test in [key for key, value in defined.items() if key.startswith("test_") and callable(value)]:
        defined[test] = _ours(defined[test])
    return defined


def _ours(test: Any) -> Any:
    """Drop the parameters for other components, use our architectures for textcat's, and drop spaCy's own mark `slow`.

    The whole folder has our mark of that name (tests/conftest.py).
    """
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name != "slow"]
    test.pytestmark = [_our_parameters(mark) if mark.name == "parametrize" else mark for mark in marks]
    return test


def _our_parameters(mark: Any) -> Any:
    names, rows = mark.args
    names = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    rows = [row if len(names) > 1 else (row,) for row in rows]
    rows = [row for row in rows if "textcat_multilabel" not in row]
    if "multi_label" in names:
        rows = [row for row in rows if row[names.index("multi_label")] is False]
    if "textcat_config" in names:
        place = names.index("textcat_config")
        ours = [Config({"model": a}).to_str() if isinstance(rows[0][place], str) else a for a in ARCHITECTURES]
        rows = [(*rows[0][:place], architecture, *rows[0][place + 1 :]) for architecture in ours]
    return pytest.mark.parametrize(",".join(names), [row if len(names) > 1 else row[0] for row in rows]).mark
