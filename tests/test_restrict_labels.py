"""A component restricted to some of its labels: their probabilities sum to 1, and nothing else changes."""

import copy
import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.training import Example

from spacy_trax_sentiment import TextScorer, evaluate, load, save, train
from spacy_trax_sentiment.bulk.text_scorer import scorer_for
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.model.parameters import set_label_prior
from spacy_trax_sentiment.pipelines import find_component

LABELS = ("negative", "neutral", "positive")
POLES = ["positive", "negative"]
TEXTS = ["I love it", "not bad at all, but slow", "The shop opens at nine.", "", "zzzz", "so bad :("]
CHOICES = st.permutations(LABELS).flatmap(lambda labels: st.sampled_from([labels[:2], labels]))
WORDS = st.lists(st.sampled_from("good bad not love the shop zzzz :( but never great n't".split()), max_size=8)
GOLDEN = Path(__file__).parent / "data" / "golden" / "pipeline-v1"


@pytest.fixture(scope="module")
def whole() -> Language:
    return load("en_ternary")


@pytest.fixture(scope="module")
def narrow() -> Language:
    return load("en_ternary", labels=POLES)


@pytest.fixture(scope="module")
def layer() -> Language:
    """A pipeline of three labels whose layer does not fold, with random weights."""
    np.random.seed(0)
    nlp = spacy.blank("en")
    config = {
        "model": {
            "@architectures": "spacy_trax_sentiment.TraxLayer.v1",
            "preprocessor": {"@misc": "spacy_trax_sentiment.SentimentTerms.v1", "bigram_buckets": 0},
            "layer": {"@misc": "spacy_trax_sentiment.Convolution.v1", "embedding_dim": 8, "filters": 8},
        },
        "pretrained": None,
    }
    component: Any = nlp.add_pipe("trax_sentiment", config=config)
    examples = [Example.from_dict(nlp.make_doc(t), {"cats": dict.fromkeys([label], 1.0)}) for t, label in _labelled()]
    nlp.initialize(lambda: examples)
    set_label_prior(component.model, [1, 2, 3])
    return nlp


def _labelled() -> list[tuple[str, str]]:
    return [("I love great stuff", "positive"), ("I hate bad stuff", "negative"), ("The shop", "neutral")]


def _restricted(nlp: Language, labels: Sequence[str]) -> Language:
    restricted = copy.deepcopy(nlp)
    component = find_component(restricted)
    component.set_restriction(labels)
    component.apply_restriction()
    return restricted


def _check(whole: Language, narrow: Language, kept: Sequence[str], text: str, tolerance: float = 1e-6) -> None:
    """Check that the restricted scores are the whole ones over their sum, and that the contributions explain them."""
    all_cats, doc = whole(text).cats, narrow(text)
    assert list(doc.cats) == [label for label in all_cats if label in kept]
    total = sum(all_cats[label] for label in kept)
    assert doc.cats == pytest.approx({label: all_cats[label] / total for label in doc.cats}, abs=1e-6)
    found: Any = doc._.sentiment
    assert found.labels == tuple(doc.cats)
    assert found.probabilities == pytest.approx(doc.cats, abs=1e-6)
    if {"negative", "positive"} <= set(kept):
        assert found.log_odds == pytest.approx(whole(text)._.sentiment.log_odds, abs=tolerance)
    logs = np.log(list(found.probabilities.values()))
    np.testing.assert_allclose(found.contributions.sum(axis=0) + found.bias, logs - logs.mean(), atol=1e-5)
    best = max(doc.cats, key=doc.cats.__getitem__)
    assert found.label == (best if found.n_known else "neutral" if "neutral" in kept else None)


@given(words=WORDS, kept=CHOICES)
@settings(max_examples=30)
def test_the_probabilities_are_among_the_kept_labels_alone(words: list[str], kept: list[str], whole: Language) -> None:
    _check(whole, _narrowed(tuple(sorted(kept))), kept, " ".join(words))


_NARROWED: dict[tuple[str, ...], Language] = {}


def _narrowed(kept: tuple[str, ...]) -> Language:
    if kept not in _NARROWED:
        _NARROWED[kept] = load("en_ternary", labels=kept)
    return _NARROWED[kept]


@pytest.mark.slow
def test_a_layer_that_does_not_fold_is_restricted_too(layer: Language, require_trax: None) -> None:
    for kept in (POLES, ["neutral", "positive"], LABELS):
        restricted = _restricted(layer, kept)
        for text in ("I love the bad shop", "good stuff zzzz", "", "zzzz"):
            _check(layer, restricted, kept, text, tolerance=1e-5)


@pytest.mark.slow
def test_a_saved_layer_is_loaded_restricted(layer: Language, tmp_path: Path, require_trax: None) -> None:
    save(layer, tmp_path / "m")
    narrow = load(tmp_path / "m", labels=POLES)
    expected = _restricted(layer, POLES)
    for text in TEXTS:
        assert narrow(text).cats == pytest.approx(expected(text).cats, abs=1e-5)
    save(narrow, tmp_path / "n")
    assert load(tmp_path / "n", labels=LABELS)("I love it").cats == pytest.approx(layer("I love it").cats, abs=1e-5)


@given(texts=st.lists(WORDS.map(" ".join) | st.text(max_size=20), max_size=5))
@settings(max_examples=30)
def test_texts_score_as_docs_do(texts: list[str], narrow: Language) -> None:
    scorer = TextScorer(narrow)
    assert scorer.labels == scorer.classes_ == ("negative", "positive")
    docs: list[Any] = list(narrow.pipe(texts))
    rows = [[doc.cats[label] for label in scorer.labels] for doc in docs]
    np.testing.assert_allclose(scorer(texts), np.array(rows).reshape(-1, 2), atol=1e-7)
    assert scorer.predict(texts) == [doc._.sentiment.label for doc in docs]


def test_a_scorer_is_loaded_once_for_each_choice_of_labels() -> None:
    assert scorer_for("en_ternary", POLES) is scorer_for("en_ternary", POLES)
    assert scorer_for("en_ternary", POLES).labels == TextScorer.load("en_ternary", labels=POLES).labels
    assert scorer_for("en_ternary").labels == LABELS


def test_a_restricted_pipeline_is_saved_whole(narrow: Language, whole: Language, tmp_path: Path) -> None:
    save(narrow, tmp_path / "m")
    expected = narrow("not bad").cats
    for nlp in (load(tmp_path / "m"), spacy.load(tmp_path / "m"), load(tmp_path / "m", labels=reversed(POLES))):  # type: ignore[arg-type]
        assert nlp("not bad").cats == expected
        assert find_component(nlp).cfg["labels"] == list(LABELS)
    assert load(tmp_path / "m", labels=LABELS)("not bad").cats == whole("not bad").cats
    config: dict[str, Any] = {"components": {"trax_sentiment": {"restrict_labels": None}}}
    assert spacy.load(tmp_path / "m", config=config)("not bad").cats == whole("not bad").cats


def test_bytes_and_copies_keep_the_restriction(narrow: Language) -> None:
    expected = narrow("not bad").cats
    again = spacy.blank("en").from_config(narrow.config).from_bytes(narrow.to_bytes())
    for nlp in (again, pickle.loads(pickle.dumps(narrow)), copy.deepcopy(narrow)):
        assert nlp("not bad").cats == expected
    assert find_component(narrow).model.copy().predict([narrow("not bad")]).shape == (1, 2)


def test_the_bytes_of_a_restricted_component_can_be_loaded_into_a_whole_one(narrow: Language, whole: Language) -> None:
    nlp = load("en_ternary")
    find_component(nlp).from_bytes(find_component(narrow).to_bytes())
    assert nlp("not bad").cats == whole("not bad").cats


def test_threads_may_share_a_restricted_pipeline_that_waits_for_its_weights() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config={"pretrained": "en_ternary", "restrict_labels": POLES})
    scored = list(ThreadPoolExecutor(4).map(lambda text: nlp(text).cats, TEXTS * 3))
    assert scored == [nlp(text).cats for text in TEXTS * 3]


@pytest.mark.slow
def test_other_processes_restrict_too(narrow: Language) -> None:
    assert [doc.cats for doc in narrow.pipe(TEXTS, n_process=2)] == [narrow(text).cats for text in TEXTS]


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (["negative", "angry"], r"lacks 'angry'"),
        (["negative"], "two or more"),
        ([], "two or more"),
        ("negative", "two or more"),
        (["negative", "negative"], "twice"),
    ],
)
def test_labels_that_cannot_be_kept_are_refused(labels: Any, reason: str, tmp_path: Path, whole: Language) -> None:
    save(whole, tmp_path / "m")
    for model in ("en_ternary", tmp_path / "m"):
        with pytest.raises(SentimentError, match=rf"S085.*{reason}.*negative, neutral, positive"):
            load(model, labels=labels)


def test_a_component_added_with_labels_that_cannot_be_kept_is_refused_when_it_scores() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config={"restrict_labels": ["negative", "neutral"]})
    for _ in range(2):
        with pytest.raises(SentimentError, match=r"S085.*lacks 'neutral'"):
            nlp("good")


def test_a_restricted_component_is_not_trained(narrow: Language) -> None:
    component = find_component(narrow)
    example = Example.from_dict(narrow.make_doc("good"), {"cats": {"positive": 1.0}})
    calls: list[Callable[[], object]] = [
        lambda: component.update([example]),
        lambda: component.rehearse([example]),
        lambda: component.add_label("other"),
        lambda: component.initialize(lambda: [example]),
    ]
    for call in calls:
        with pytest.raises(SentimentError, match=r"S086.*without restrict_labels"):
            call()


def test_training_does_not_start_from_a_restricted_pipeline(narrow: Language, require_trax: None) -> None:
    with pytest.raises(SentimentError, match="S086"):
        train(["good", "bad"] * 5, POLES * 5, init_from=narrow)


def test_a_model_of_two_labels_keeps_both() -> None:
    assert load(GOLDEN, labels=POLES)("so good").cats == load(GOLDEN)("so good").cats


def test_a_model_is_measured_on_some_labels(narrow: Language) -> None:
    texts = ["so good", "awful", "at nine"], ["positive", "negative", "neutral"]
    found = evaluate(texts, "en_ternary", labels=POLES)
    assert (found.labels, found.n_texts, found.left_out) == (("negative", "positive"), 2, {"neutral": 1})
    assert evaluate(texts, narrow).to_dict() == found.to_dict()
    with pytest.raises(SentimentError, match="S087"):
        evaluate(texts, narrow, labels=POLES)
