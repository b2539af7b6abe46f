"""A model knows the language of its texts, and a pipeline of another one is warned."""

import json
import warnings
from pathlib import Path

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.training import Example

from spacy_trax_sentiment import TextScorer, load
from spacy_trax_sentiment.pipelines import find_component

BUNDLED = ["en", "en_ternary", "en_trf", "en_auto"]


def _pipeline(lang: str, **config: object) -> Language:
    nlp = spacy.blank(lang)
    nlp.add_pipe("trax_sentiment", config={name: value and str(value) for name, value in config.items()})
    return nlp


def _language(nlp: Language) -> object:
    return find_component(nlp).cfg.get("lang")


def _trained(lang: str) -> Language:
    nlp = _pipeline(lang, pretrained=None)
    examples = [
        Example.from_dict(nlp.make_doc(text), {"cats": {"a": float(text == "ja"), "b": float(text == "nein")}})
        for text in ("ja", "nein")
    ]
    nlp.initialize(lambda: examples)
    return nlp


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_model_warns_once_on_a_pipeline_of_another_language(name: str) -> None:
    nlp = _pipeline("de", pretrained=name)
    with pytest.warns(UserWarning, match=r"S172.*'en'.*'de'") as caught:
        assert len(TextScorer(nlp)(["good", *(doc.text for doc in nlp.pipe(["bad", "so"]))])) == 3
    assert len(caught) == 1


@given(st.sampled_from(BUNDLED[:2]), st.sampled_from(["en", "xx"]))
def test_a_bundled_model_is_english(name: str, lang: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _language(_pipeline(lang, pretrained=name)) == "en"


def test_a_cascade_is_of_the_language_of_its_models() -> None:
    assert _language(load("en_auto")) == "en"


def test_a_model_keeps_its_language_wherever_it_goes(tmp_path: Path, require_trax: None) -> None:
    with pytest.warns(UserWarning, match="S172"):
        _pipeline("de").to_disk(tmp_path / "english")
    with pytest.warns(UserWarning, match=r"S172.*'en'.*'de'"):
        assert _language(load(tmp_path / "english")) == "en"

    _trained("de").to_disk(tmp_path / "german")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _language(load(tmp_path / "german")) == "de"
        assert _language(_pipeline("xx", pretrained=tmp_path / "german")) == "de"
    with pytest.warns(UserWarning, match=r"S172.*'de'.*'en'"):
        assert _language(_pipeline("en", pretrained=tmp_path / "german")) == "de"


def test_a_model_saved_without_a_language_warns_of_none(tmp_path: Path, require_trax: None) -> None:
    nlp = _trained("de")
    del find_component(nlp).cfg["lang"]
    nlp.to_disk(tmp_path)
    assert "lang" not in json.loads((tmp_path / "trax_sentiment" / "settings.json").read_text())["cfg"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _language(_pipeline("en", pretrained=tmp_path)) is None
