"""A cascade: a fast model answers what it is certain of, and a second one reads the rest."""

import copy
import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import srsly
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.training import Example

from spacy_trax_sentiment import TextScorer, evaluate, load, render, save, train
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.model.cascade import CascadeSettings, must_be_read
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.pretrained import pretrained_path
from spacy_trax_sentiment.storage.sealed import json_bytes, manifest
from spacy_trax_sentiment.text.reading import kind_of_reading

pytest.importorskip("onnxruntime", reason="the extra 'trf' is not installed")

LABELS = ("negative", "neutral", "positive")
TEXTS = [
    "I love it so much!",
    "I thought it would be awful, but it wasn't.",
    "It is what",
    "",
    "zzzz",
    "so bad :(",
    "??",
]
SENTENCES = st.lists(
    st.sampled_from("good bad not love the shop zzzz :( but never great n't said if ? hate wonderful".split()),
    max_size=6,
).map(" ".join)
SETTINGS = st.fixed_dictionaries(
    {
        "threshold": st.sampled_from([0.0, 0.5, 0.9, 1.0]),
        "weight": st.sampled_from([0.0, 0.3, 1.0]),
        "first_temperature": st.sampled_from([1.0, 2.0]),
        "second_temperature": st.sampled_from([1.0, 0.5]),
    }
)
KEPT = st.sampled_from([None, ("negative", "positive"), ("neutral", "positive")])


def _cascade(restrict_labels: Sequence[str] | None = None, **chosen: Any) -> Language:
    nlp = spacy.blank("en")
    model = {"@architectures": "spacy_trax_sentiment.Cascade.v1", "first": "en_ternary", "second": "en_trf", **chosen}
    nlp.add_pipe("trax_sentiment", config={"model": model, "restrict_labels": restrict_labels})
    return nlp


_loaded = lru_cache(maxsize=None)(load)


def _changed(nlp: Language, chosen: dict[str, float]) -> Language:
    """Give a loaded cascade other settings: loading one for each example would take too long."""
    find_component(nlp).model.attrs["settings"] = CascadeSettings("en_ternary", "en_trf", **chosen)
    return nlp


def _rows(nlp: Language, texts: Sequence[str]) -> np.ndarray:
    n_labels = len(find_component(nlp).labels)
    return np.array([list(doc.cats.values()) for doc in nlp.pipe(texts)]).reshape(len(texts), n_labels)


@pytest.fixture(scope="module")
def auto() -> Language:
    """A pipeline with the bundled cascade. Tests must not change it."""
    return load("en_auto")


def _reference(texts: Sequence[str], chosen: dict[str, float], kept: tuple[str, ...] | None) -> tuple[Any, Any]:
    """Return the probabilities by the definition, text by text, and which of them are read."""
    first, second = (TextScorer(_loaded(name, labels=kept)) for name in ("en_ternary", "en_trf"))
    rows, read = [], []
    for text in texts:
        (p,), (is_known,) = first.scored([text])
        is_certain = is_known and p.max() >= np.float32(chosen["threshold"]) and kind_of_reading(text) is None
        logs, temperature = np.log(np.maximum(p.astype(float), 1e-37)), chosen["first_temperature"]
        if not is_certain:
            temperature = chosen["second_temperature"]
            logs = (1 - chosen["weight"]) * np.log(np.maximum(second([text])[0].astype(float), 1e-37)) + chosen[
                "weight"
            ] * logs
        odds = np.exp(logs / temperature - (logs / temperature).max())
        rows.append(odds / odds.sum())
        read.append(not is_certain)
    return np.array(rows).reshape(len(texts), 3 if kept is None else 2), read


@given(st.lists(st.one_of(SENTENCES, st.sampled_from(TEXTS)), max_size=5), SETTINGS, KEPT)
@settings(max_examples=20)
def test_a_text_scores_as_the_definition_says_in_any_company_and_order(texts, chosen, kept) -> None:  # type: ignore[no-untyped-def]
    nlp = _changed(_loaded("en_auto", labels=kept), chosen)
    expected, read = _reference(texts, chosen, kept)
    scorer = TextScorer(nlp)
    np.testing.assert_allclose(_rows(nlp, texts), expected, atol=1e-5)
    np.testing.assert_allclose(scorer(texts), expected, atol=1e-5)
    np.testing.assert_allclose(scorer(texts[::-1])[::-1], expected, atol=1e-5)
    assert np.array_equal(scorer.predict(texts), [nlp(text)._.sentiment.label for text in texts])
    found = TextScorer(_loaded("en_ternary", labels=kept)).scored(texts)
    assert must_be_read(find_component(nlp).model.attrs["settings"], texts, found).tolist() == read


@pytest.mark.slow
@given(st.one_of(SENTENCES, st.sampled_from(TEXTS)), SETTINGS, KEPT, st.data())
@settings(max_examples=8)
def test_contributions_and_bias_add_up(text: str, chosen: dict[str, float], kept: Any, data: st.DataObject) -> None:
    nlp = _changed(_loaded("en_auto", labels=kept), chosen)
    doc: Any = nlp(text)
    whole = doc._.sentiment
    logs = np.log(list(doc.cats.values()))
    np.testing.assert_allclose(whole.contributions.sum(axis=0) + whole.bias, logs - logs.mean(), atol=1e-4)
    assert whole.probabilities == pytest.approx(doc.cats, abs=1e-5)
    assert whole.contributions.shape == (len(doc), len(doc.cats))
    assert (whole.label is None) == (not whole.n_known and "neutral" not in doc.cats)
    if len(doc):
        start = data.draw(st.integers(0, len(doc) - 1))
        part = doc[start : data.draw(st.integers(start + 1, len(doc)))]._.sentiment
        logs = np.log(list(part.probabilities.values()))
        np.testing.assert_allclose(part.contributions.sum(axis=0) + part.bias, logs - logs.mean(), atol=1e-4)
        assert part.n_known <= whole.n_known


def test_a_certain_text_is_explained_exactly_as_by_the_first_model(auto: Language) -> None:
    text = "I love it so much!"
    assert auto(text)._.sentiment.to_dict() == _loaded("en_ternary")(text)._.sentiment.to_dict()


@pytest.mark.slow
def test_without_a_weight_a_text_that_is_read_scores_as_by_the_second_model() -> None:
    doc: Any = _cascade(weight=0.0)("I thought it would be awful, but it wasn't.")
    alone: Any = _loaded("en_trf")(doc.text)
    assert doc.cats == pytest.approx(alone.cats, abs=1e-6)
    np.testing.assert_allclose(doc._.sentiment.contributions, alone._.sentiment.contributions, atol=1e-6)


def test_only_what_must_be_read_reaches_the_second_model(auto: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = TextScorer(auto)
    expected = scorer(TEXTS)
    second, asked = find_component(auto).model.layers[1], []
    score = second.attrs["score"]
    counted = lambda model, tokens, evidence: asked.append(len(evidence)) or score(model, tokens, evidence)  # noqa: E731
    monkeypatch.setitem(second.attrs, "score", counted)
    np.testing.assert_array_equal(scorer([TEXTS[0]] * 9), expected[[0] * 9])
    assert asked == []
    scorer([TEXTS[0], TEXTS[1]] * 3)
    assert asked == [3]


def test_texts_of_any_characters_score_as_their_docs(auto: Language) -> None:
    texts = ["\ud83d not good", "\ud83d\ude00 good", "wow\ud800", "a" * 5000, "good\x00?", ": )", "é ！？"]
    docs = ["\ufffd not good", "😀 good", "wow\ufffd", *texts[3:]]
    np.testing.assert_allclose(TextScorer(auto)(texts), _rows(auto, docs), atol=1e-5)


@pytest.mark.slow
def test_it_travels_with_both_models_and_needs_nothing_else(auto: Language, tmp_path: Path) -> None:
    expected = _rows(auto, TEXTS)
    own, chosen = pretrained_path("en_trf"), find_component(auto).model.attrs["settings"]
    shutil.copytree(own, tmp_path / "theirs")
    nlp = _cascade(second=str(tmp_path / "theirs"), threshold=chosen.threshold, weight=chosen.weight)
    save(nlp, tmp_path / "saved")
    as_bytes = nlp.to_bytes()
    shutil.rmtree(tmp_path / "theirs")
    for again in (
        load(tmp_path / "saved"),
        spacy.load(tmp_path / "saved"),
        _cascade(second=str(tmp_path / "theirs")).from_bytes(as_bytes),
        spacy.blank("en").from_config(nlp.config).from_bytes(as_bytes),
        pickle.loads(pickle.dumps(auto)),
        copy.deepcopy(auto),
    ):
        np.testing.assert_allclose(_rows(again, TEXTS), expected, atol=1e-6)
        settings = find_component(again).model.attrs["settings"]
        assert (settings.threshold, settings.weight) == (chosen.threshold, chosen.weight)
    scorer = pickle.loads(pickle.dumps(TextScorer(load(tmp_path / "saved"))))
    np.testing.assert_allclose(scorer(TEXTS), expected, atol=1e-6)
    kept = load(tmp_path / "saved", labels=["negative", "positive"])
    assert kept("I love it").cats.keys() == {"negative", "positive"}
    pretrained = spacy.blank("en")
    pretrained.add_pipe("trax_sentiment", config={"pretrained": str(tmp_path / "saved")})
    np.testing.assert_allclose(_rows(pretrained, TEXTS), expected, atol=1e-6)


def test_a_damaged_model_within_is_refused_by_name(auto: Language, tmp_path: Path) -> None:
    auto.to_disk(tmp_path)
    file = tmp_path / "trax_sentiment" / "second" / "W.npy"
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    with pytest.raises(SentimentError, match=r"S071.*second.W\.npy"):
        find_component(spacy.load(tmp_path))


def test_threads_and_processes_share_it(auto: Language) -> None:
    expected = _rows(auto, TEXTS)
    fresh = load("en_auto")
    scorer = TextScorer(fresh)
    with ThreadPoolExecutor(4) as pool:
        for rows in pool.map(lambda _: scorer(TEXTS), range(8)):
            np.testing.assert_allclose(rows, expected, atol=1e-5)
        docs = list(pool.map(lambda text: list(fresh(text).cats.values()), TEXTS * 3))
    np.testing.assert_allclose(docs, np.tile(expected, (3, 1)), atol=1e-5)
    docs = list(auto.pipe(TEXTS * 2, n_process=2, batch_size=3))
    np.testing.assert_allclose([list(doc.cats.values()) for doc in docs], np.tile(expected, (2, 1)), atol=1e-5)


@pytest.mark.slow
def test_stored_docs_are_explained_and_rendered(auto: Language) -> None:
    docs = DocBin(docs=[auto(text) for text in TEXTS]).to_bytes()
    for doc in DocBin().from_bytes(docs).get_docs(auto.vocab):
        assert find_component(auto).explain(doc).probabilities.keys() == set(LABELS)
    assert "awful" in render(auto(TEXTS[1]))


def test_it_is_measured_with_what_counts_as_evidence(auto: Language) -> None:
    found = evaluate(([*TEXTS, "I hate it"], ["neutral"] * 7 + ["negative"]), auto)
    assert found.has_evidence is not None
    assert found.has_evidence.tolist() == TextScorer(auto).scored([*TEXTS, "I hate it"]).has_evidence.tolist()
    assert found.labels == LABELS


def test_it_cannot_be_trained(auto: Language) -> None:
    nlp, component = load("en_auto"), find_component(auto)
    example = Example.from_dict(nlp.make_doc("good"), {"cats": {"positive": 1.0, "negative": 0.0, "neutral": 0.0}})
    for attempt in (
        lambda: nlp.initialize(lambda: [example]),
        lambda: nlp.update([example]),
        lambda: component.add_label("mixed"),
    ):
        with pytest.raises(SentimentError, match=r"S183.*en_ternary and en_trf"):
            attempt()


@pytest.mark.slow
def test_training_does_not_start_from_it(auto: Language, require_trax: None) -> None:
    with pytest.raises(SentimentError, match="S183"):
        train(["good", "bad", "so"] * 5, ["positive", "negative", "neutral"] * 5, init_from=auto)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"threshold": 1.1}, "S021.*threshold"),
        ({"weight": -0.1}, "S021.*weight"),
        ({"first_temperature": 0}, "S021.*first_temperature"),
        ({"second_temperature": -1.0}, "S021.*second_temperature"),
        ({"second": "en"}, "S181.*en.*negative, positive, not negative, neutral, positive"),
        ({"second": "en_auto"}, "S181.*en_auto.*cascade itself"),
        ({"first": "en_tenary"}, "S180.*en_tenary.*Did you mean en_ternary.*`first`"),
        ({"second": "none/there"}, "S180.*none/there.*`second`"),
    ],
)
def test_what_cannot_be_a_cascade_is_refused(chosen: dict[str, Any], message: str) -> None:
    with pytest.raises(SentimentError, match=message):
        find_component(_cascade(**chosen))


def test_a_model_with_another_preprocessor_is_refused(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    preprocessor = {"@misc": "spacy_trax_sentiment.ProcessTweet.v1"}
    model = {"@architectures": "spacy_trax_sentiment.Classifier.v1", "preprocessor": preprocessor}
    component: Any = nlp.add_pipe("trax_sentiment", config={"model": model, "pretrained": None})
    component.cfg["labels"] = list(LABELS)
    component.model.attrs["preprocessor"].stop_words = frozenset({"the"})
    component.to_disk(tmp_path, exclude=["vocab"])
    with pytest.raises(SentimentError, match="S088.*SentimentTerms.v1"):
        find_component(_cascade(first=str(tmp_path)))


def test_another_model_is_not_loaded_in_its_place(auto: Language) -> None:
    nlp = _cascade()
    with pytest.raises(SentimentError, match="S073.*another architecture"):
        nlp.from_bytes(_loaded("en_ternary").to_bytes())
    with pytest.raises(SentimentError, match="S073.*another architecture"):
        find_component(load("en_ternary")).from_bytes(auto.get_pipe("trax_sentiment").to_bytes())


@pytest.mark.parametrize(
    "stored",
    [
        {"cfg": {}},
        {"cfg": {}, "cascade": None},
        {"cfg": 5, "cascade": {"first": "en_ternary", "second": "en_trf"}},
        {"cfg": {}, "cascade": {"first": "en_ternary", "second": 5}},
        {"cfg": {}, "cascade": {"first": "en_ternary", "second": "en_trf", "threshold": "high"}},
        {"cfg": {}, "cascade": {"first": "en_ternary", "second": "en_trf", "unknown": 1}},
    ],
)
def test_settings_that_are_not_a_cascades_are_refused(stored: dict[str, Any]) -> None:
    files = {"settings.json": json_bytes(stored)}
    files["manifest.json"] = manifest(files, {"labels": list(LABELS)})
    with pytest.raises(SentimentError, match="S07[03]|S180"):
        find_component(_cascade()).from_bytes(srsly.msgpack_dumps({"files": files}))


def test_a_pipeline_that_changes_tokens_is_scored_by_docs(caplog: pytest.LogCaptureFixture) -> None:
    nlp = load("en_auto")
    nlp.add_pipe("merge_entities", first=True)
    np.testing.assert_allclose(TextScorer(nlp)(TEXTS), _rows(nlp, TEXTS), atol=1e-5)
    assert "merge_entities" in caplog.text


def test_without_onnxruntime_the_first_text_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['onnxruntime'] = sys.modules['trax'] = None\n"
        "import spacy_trax_sentiment as s\n"
        "try: print(s.TextScorer.load('en_auto')(['I love it so much!']))\n"
        "except s.SentimentError as error: print(error)\n"
    )
    printed = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert "S079" in printed
    assert "pip install '.[trf]'" in printed


def test_the_bundled_one_is_made_by_its_settings() -> None:
    stored = json.loads((pretrained_path("en_auto") / "settings.json").read_text())["cascade"]
    assert stored.keys() == vars(CascadeSettings("", "")).keys()
    assert (stored["first"], stored["second"]) == ("en_ternary", "en_trf")


def test_its_report_can_be_written(auto: Language) -> None:
    pytest.importorskip("matplotlib")
    from spacy_trax_sentiment.evaluation.figures import measure
    from spacy_trax_sentiment.evaluation.report import Data, evaluation_report
    from spacy_trax_sentiment.training.labelled import LabelledText

    texts = [LabelledText("I love it", "positive"), LabelledText("So bad", "positive")]
    page = evaluation_report(auto, "en_auto", measure(auto, find_component(auto).labels, texts), Data("a", "b", texts))
    assert "SentimentTerms and WordPieces" in page
