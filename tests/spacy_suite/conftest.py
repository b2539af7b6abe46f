"""The fixtures that spaCy's own tests use. The component they add starts without weights, as `textcat` does."""

import pytest
from spacy.language import Language
from spacy.tests.conftest import de_vocab, en_vocab  # noqa: F401


@pytest.fixture(autouse=True)
def blank_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    meta = Language.get_factory_meta("trax_sentiment")
    monkeypatch.setitem(meta.default_config, "pretrained", None)
