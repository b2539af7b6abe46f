import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language

from spacy_trax_sentiment import SentimentError, Settings, TextScorer, load, save, train
from spacy_trax_sentiment.model.gradients import compiled
from spacy_trax_sentiment.model.inputs import doc_tokens
from spacy_trax_sentiment.model.parameters import get_architecture, get_weights
from spacy_trax_sentiment.model.targets import add_target_head, target_ids
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.text.word_pieces import WordPieces
from spacy_trax_sentiment.training.calibration import calibrate

OPPOSITE = "good film, awful smile"
TARGETS = [(5, 9), (17, 22)]

words = st.sampled_from(["good", "film", "awful", ",", "smile", "Ω", "goodish", "12", "@user", ":)", "  "])


@pytest.fixture(scope="module")
def saved(tiny_targets: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("targets") / "model"
    save(tiny_targets, path)
    return path


@pytest.fixture(scope="module")
def scorer(saved: Path) -> TextScorer:
    return TextScorer.load(saved)


def test_a_text_says_opposite_things_of_two_targets(scorer: TextScorer) -> None:
    found = scorer.predict_proba([OPPOSITE, "film", OPPOSITE], [TARGETS, [], TARGETS[:1]])
    assert found.lengths.tolist() == [2, 0, 1]
    assert found.values.dtype == np.float32
    assert found.values.shape == (3, 3)
    assert np.allclose(found.values.sum(axis=1), 1, atol=1e-5)
    assert [scorer.labels[i] for i in found.values.argmax(axis=1)] == ["positive", "negative", "positive"]


def test_served_targets_score_as_in_training(tiny_targets: Language, scorer: TextScorer) -> None:
    model = find_component(tiny_targets).model
    docs = [tiny_targets.make_doc(text) for text in (OPPOSITE, "the great film was it")]
    spans = [(5, 9), (10, 14)]
    architecture, weights = get_architecture(model), get_weights(model)
    for doc, span, ids in zip(docs, spans, target_ids(model, docs, spans), strict=True):
        assert (ids < 0).any()
        expected = np.exp(compiled(architecture).run(weights, ids[None], 0))
        assert np.allclose(scorer.predict_proba([doc.text], [[span]]).values, expected, atol=1e-5)


@given(st.lists(st.lists(words, min_size=1, max_size=40), min_size=1, max_size=5), st.data())
def test_scores_depend_neither_on_the_batch_nor_on_other_targets(
    scorer: TextScorer, chosen: list[list[str]], data: st.DataObject
) -> None:
    texts, targets = [" ".join(some) for some in chosen], []
    for text in texts:
        starts = data.draw(st.lists(st.integers(0, len(text) - 1), max_size=4))
        targets.append([(start, data.draw(st.integers(start + 1, len(text)))) for start in starts])
    together = scorer.predict_proba(texts, targets)
    alone = [
        scorer.predict_proba([text], [[span]]).values[0]
        for text, spans in zip(texts, targets, strict=True)
        for span in spans
    ]
    assert np.allclose(together.values, np.array(alone).reshape(-1, 3), atol=1e-5)
    assert np.allclose(scorer.predict_proba(texts), scorer.predict_proba(texts), atol=1e-6)


@given(st.lists(words, min_size=1, max_size=80), st.data())
def test_each_target_is_read_with_its_own_pieces(tiny_targets: Language, some: list[str], data: st.DataObject) -> None:
    model = find_component(tiny_targets).model
    preprocessor, doc = model.attrs["preprocessor"], tiny_targets.make_doc(" ".join(some))
    assert isinstance(preprocessor, WordPieces)
    start = data.draw(st.integers(0, len(doc) - 1))
    span = start, data.draw(st.integers(start + 1, len(doc)))
    tokens = doc_tokens(model, [doc])
    own = doc_tokens(model, [doc[span[0] : span[1]].as_doc()])
    pieces = preprocessor.token_ids(*own).values[1:-1]
    readings = list(preprocessor.readings(*tokens, [[span]]))
    assert len(readings) == bool(len(pieces))
    for reading in readings:
        assert len(reading.ids) <= preprocessor.max_pieces
        ((target, first, end),) = reading.targets
        read = reading.ids[first:end]
        assert target == 0 < len(read)
        if len(pieces) <= 4:
            assert read.tolist() == pieces.tolist()


def test_a_target_in_the_middle_of_a_long_text_is_read_with_what_is_around_it(scorer: TextScorer) -> None:
    after = "the film was it " * 30
    texts = [f"{before}awful smile {after}" for before in ("the film was it " * 30, "hate love was it " * 30)]
    spans = [[(text.index("smile"), text.index("smile") + 5)] for text in texts]
    one, other = scorer.predict_proba(texts, spans).values
    assert not np.allclose(one, other, atol=1e-3)
    far = [f"{before}{after}awful smile {after}" for before in ("the film was it " * 30, "hate love was it " * 30)]
    spans = [[(text.index("smile"), text.index("smile") + 5)] for text in far]
    one, other = scorer.predict_proba(far, spans).values
    assert np.allclose(one, other, atol=1e-5)


def test_targets_need_no_trax(saved: Path) -> None:
    code = """
import sys, spacy_trax_sentiment as s
scorer = s.TextScorer.load(sys.argv[1])
scorer.predict_proba(["good film"], [[(5, 9)]])
assert s.load(sys.argv[1])("good film")[1:2]._.target_sentiment.label == "positive"
assert not {"trax", "jax"} & set(sys.modules), "Trax was imported"
"""
    subprocess.run([sys.executable, "-c", code, str(saved)], check=True)


def test_targets_of_another_text_are_refused(scorer: TextScorer) -> None:
    for span in ((0, 0), (3, 2), (-1, 2), (2, 100)):
        with pytest.raises(SentimentError, match=r"S202.*text 1"):
            scorer.predict_proba(["good film", "good film"], [[(0, 4)], [span]])
    with pytest.raises(SentimentError, match="S206"):
        scorer.predict_proba(["good film"], [])


def test_a_model_without_a_head_refuses_targets(bundled: Language) -> None:
    with pytest.raises(SentimentError, match="S200"):
        TextScorer(bundled).predict_proba(["good film"], [[(0, 4)]])
    with pytest.raises(SentimentError, match="S200"):
        _ = bundled("good film")[0:1]._.target_sentiment
    with pytest.raises(SentimentError, match="S201"):
        add_target_head(find_component(bundled).model)


def test_a_restricted_model_scores_targets_among_its_labels(saved: Path) -> None:
    whole, kept = TextScorer.load(saved), TextScorer.load(saved, labels=["negative", "positive"])
    expected = whole.predict_proba([OPPOSITE], [TARGETS]).values[:, [0, 2]]
    found = kept.predict_proba([OPPOSITE], [TARGETS]).values
    assert np.allclose(found, expected / expected.sum(axis=1, keepdims=True), atol=1e-5)


def test_a_text_without_evidence_has_the_prior(scorer: TextScorer) -> None:
    found = scorer.predict_proba(["12 34", "", "   "], [[(0, 2)], [], [(0, 3)]]).values
    assert np.allclose(found, scorer.predict_proba(["12 34", ""]), atol=1e-6)


def test_the_head_is_saved_and_trained_on(saved: Path, tmp_path: Path) -> None:
    nlp = load(saved)
    save(nlp, tmp_path / "again")
    for loaded in (load(tmp_path / "again"), spacy.load(tmp_path / "again")):
        doc = loaded(OPPOSITE)
        assert [doc[i : i + 1]._.target_sentiment.label for i in (1, 4)] == ["positive", "negative"]


def test_a_new_head_knows_nothing_and_leaves_texts_as_they_are(
    tiny_encoder: dict[str, Any], tmp_path: Path, require_trax: None
) -> None:
    settings = Settings(steps=1, batch_size=2, ids_per_batch=64, balanced=False, model=tiny_encoder)
    nlp = train(["good", "bad"] * 5, ["positive", "negative"] * 5, settings=settings).nlp
    before = TextScorer(nlp).predict_proba(["good film"])
    add_target_head(find_component(nlp).model)
    save(nlp, tmp_path / "model")
    scorer = TextScorer.load(tmp_path / "model")
    assert np.allclose(scorer.predict_proba(["good film"]), before, atol=1e-5)
    assert np.allclose(scorer.predict_proba(["good film"], [[(5, 9)]]).values, 0.5)
    assert load(tmp_path / "model")("good film")[1:2]._.target_sentiment.label is None


def test_the_heads_temperature_is_that_of_targets_alone(saved: Path) -> None:
    nlp = load(saved)
    model = find_component(nlp).model
    before = get_weights(model)
    texts = [OPPOSITE, "bad film, good smile", OPPOSITE, OPPOSITE]
    spans = [(5, 9), (4, 8), (17, 22), (17, 22)]
    ids = list(target_ids(model, map(nlp.make_doc, texts), spans))
    calibrate(model, ids, [2, 0, 0, 2])  # the last label is wrong, which calls for less certainty
    after = get_weights(model)
    assert np.abs(after["W_target"]).max() < np.abs(before["W_target"]).max()
    assert all(np.array_equal(before[name], after[name]) for name in before if not name.endswith("_target"))
    assert TextScorer(nlp).predict_proba([OPPOSITE], [TARGETS]).values.argmax(axis=1).tolist() == [2, 0]
