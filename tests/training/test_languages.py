"""Models of any language: trained, saved, explained and shown, with texts of any script."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from spacy.language import Language

from spacy_trax_sentiment import Settings, TextScorer, load, render, save, train
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.training.log_ratios import log_ratios
from spacy_trax_sentiment.training.settings import fit_settings

pytestmark = pytest.mark.slow
LABELS = ("negative", "neutral", "positive")
WORDS = {
    "de": ("schlecht", "Tisch", "hervorragend"),
    "ar": ("سيئ", "طاولة", "جَمِيل"),
    "hi": ("बुरा", "मेज़", "अच्छी"),
    "zh": ("坏", "桌子", "很好"),
    "xx": ("bad", "стол", "טוב"),
}
DIRECTIONS = {"ar": "rtl", "xx": "auto"}
# Scripts, combining marks, marks of direction, emoji, and anything else but surrogates.
texts = st.lists(
    st.sampled_from([*(word for words in WORDS.values() for word in words), "🙂", "\u202e", "e\u0301", " ", "\n", "ﷺ"])
    | st.text(max_size=6),
    max_size=8,
).map(" ".join)


@pytest.fixture(scope="module")
def models(require_trax: None) -> dict[str, Language]:
    return {lang: _trained(lang) for lang in WORDS}


@pytest.fixture(scope="module")
def require_trax() -> None:
    pytest.importorskip("trax")


def _trained(lang: str, **changes: Any) -> Language:
    rows = [(f"{word} {i}", label) for i in range(10) for word, label in zip(WORDS[lang], LABELS, strict=True)]
    chosen = Settings.for_language(lang, len(rows), steps=20, batch_size=30, **changes)
    return train([text for text, _ in rows], [label for _, label in rows], settings=chosen).nlp


@pytest.mark.parametrize("lang", WORDS)
def test_a_language_learns_its_words_and_is_saved_with_the_model(
    models: dict[str, Language], lang: str, tmp_path: Path
) -> None:
    save(models[lang], tmp_path / "m")
    loaded = load(tmp_path / "m")
    assert loaded.lang == lang
    for word, label in zip(WORDS[lang], LABELS, strict=True):
        cats = loaded(word).cats
        assert max(cats, key=cats.__getitem__) == label
        assert cats == models[lang](word).cats


@hypothesis_settings(max_examples=30)
@given(st.sampled_from(sorted(WORDS)), texts)
def test_a_text_of_any_script_goes_every_way(models: dict[str, Language], lang: str, text: str) -> None:
    nlp = models[lang]
    doc = nlp(text)
    probabilities = np.array([*doc.cats.values()])
    np.testing.assert_allclose(TextScorer(nlp)([text, text])[1], probabilities, rtol=1e-5)
    np.testing.assert_allclose([*next(nlp.pipe([text])).cats.values()], probabilities, rtol=1e-6)
    sentiment = doc._.sentiment
    assert len(sentiment.contributions) == len(doc)
    # Numbers below the smallest normal one have fewer digits.
    if sentiment.label is not None and sentiment.n_known and probabilities.min() >= np.finfo(np.float32).tiny:
        logs = np.log(probabilities)
        np.testing.assert_allclose(sentiment.contributions.sum(0) + sentiment.bias, logs - logs.mean(), atol=1e-4)
    html = render(doc, jupyter=False)
    assert html is not None
    if len(doc):
        assert f'dir="{DIRECTIONS.get(lang, "ltr")}" lang="{lang if lang != "xx" else "und"}"' in html


def test_a_lexicon_of_ones_own_reaches_words_that_no_text_has(require_trax: None, tmp_path: Path) -> None:
    (tmp_path / "words.tsv").write_text("schlecht\t-3\nmies\t-3\nhervorragend\t3\nprima\t3\n", "utf-8")
    nlp = _trained("de", lexicon=str(tmp_path / "words.tsv"))
    (tmp_path / "words.tsv").unlink()
    assert nlp("mies").cats["negative"] > nlp("prima").cats["negative"]
    save(nlp, tmp_path / "m")
    loaded = load(tmp_path / "m")
    assert loaded("prima").cats == nlp("prima").cats
    assert str(tmp_path) not in str(loaded.meta)


def test_a_lexicon_that_a_described_model_would_not_read_is_refused() -> None:
    with pytest.raises(SentimentError, match=r"S021.*lexicon.*preprocessor"):
        fit_settings(Settings(model={"@architectures": "spacy_trax_sentiment.Encoder.v1"}, lexicon="words.tsv"), 3)


def test_an_unknown_language_is_refused(require_trax: None) -> None:
    with pytest.raises(SentimentError, match="S192.*'qq'"):
        train(["a", "b"] * 5, ["x", "y"] * 5, settings=Settings(lang="qq"))


@given(st.integers(1, 10_000), st.sampled_from(["de", "xx"]))
def test_the_penalty_falls_with_the_number_of_texts(n_texts: int, lang: str) -> None:
    settings = Settings.for_language(lang, n_texts)
    assert settings.penalty > Settings.for_language(lang, n_texts + 1).penalty
    assert fit_settings(settings, 3).embedding_dim == 3
    assert Settings.for_language("en", n_texts) == Settings()


def test_a_power_of_log_ratios_needs_a_penalty() -> None:
    linear = replace(Settings.for_language("de", 10), penalty=0.0)
    with pytest.raises(SentimentError, match=r"S021.*ratio_power"):
        fit_settings(linear, 3)


@given(st.lists(st.tuples(st.lists(st.integers(0, 9), max_size=6), st.integers(-1, 2)), max_size=8))
def test_log_ratios_are_0_for_what_no_text_has_or_all_labels_share(texts: list[tuple[list[int], int]]) -> None:
    ids = [np.array(each, dtype=np.int32) for each, _ in texts]
    ratios = log_ratios(ids, [target for _, target in texts], 12, 3)
    assert ratios.shape == (12, 1)
    known = {id for each, target in texts if target >= 0 for id in each}
    assert not ratios[[i for i in range(12) if i not in known]].any()
    shared = log_ratios([np.array([1], dtype=np.int32)] * 3, [0, 1, 2], 2, 3)
    np.testing.assert_allclose(shared, 0, atol=1e-6)
