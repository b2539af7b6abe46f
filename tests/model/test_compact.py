from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.training import Example

from spacy_trax_sentiment import TextScorer
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.model.compact import compact_files, files_size, fold_embedding, keep_terms
from spacy_trax_sentiment.model.parameters import get_architecture, get_weights, set_weights, to_trax_layer
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.text.vocabulary import N_SPECIAL

TEXTS = ["I love it", "awful, never again", "not good at all", "", "zzzz", "the parcel"]


@pytest.fixture
def nlp(trained: Language, tmp_path: Path) -> Language:
    trained.to_disk(tmp_path / "m")
    return spacy.load(tmp_path / "m")


def test_folding_the_embedding_keeps_the_scores(trained: Language, nlp: Language) -> None:
    model = find_component(nlp).model
    fold_embedding(model)
    assert get_architecture(model).embedding_dim == 2
    np.testing.assert_allclose(TextScorer(nlp)(TEXTS), TextScorer(trained)(TEXTS), atol=1e-5)


def test_a_folded_model_is_still_a_trax_layer(trained: Language, nlp: Language) -> None:
    model = find_component(nlp).model
    fold_embedding(model)
    ids = np.array([[3, 4, 5, 0, 0, 0, 0, 0]], dtype=np.int32)
    before = np.asarray(to_trax_layer(find_component(trained).model)(ids))
    np.testing.assert_allclose(np.asarray(to_trax_layer(model)(ids)), before, atol=1e-5)


def test_dropped_terms_score_like_unknown_ones(nlp: Language) -> None:
    model = find_component(nlp).model
    before = dict(model.attrs["vocabulary"])
    keep_terms(model, 50)
    kept = model.attrs["vocabulary"]
    assert len(kept) == 50 + N_SPECIAL
    assert kept.keys() < before.keys()
    scores = dict(zip(TEXTS, TextScorer(nlp)(TEXTS).tolist(), strict=True))
    assert "the" not in kept
    assert scores["the parcel"] == scores["zzzz"] == pytest.approx(model.attrs["label_prior"])


def test_keeping_all_terms_changes_nothing(trained: Language, nlp: Language) -> None:
    model = find_component(nlp).model
    keep_terms(model, len(model.attrs["vocabulary"]))
    np.testing.assert_array_equal(TextScorer(nlp)(TEXTS), TextScorer(trained)(TEXTS))


def _vocabulary_alone(model: Any, scope: int) -> None:
    """Give the model random weights, large ones for some terms, without pairs of tokens."""
    model.attrs["preprocessor"].bigram_buckets, model.attrs["preprocessor"].negation_scope = 0, scope
    rng = np.random.default_rng(0)
    a = get_architecture(model)
    E = rng.normal(size=(a.n_terms, a.embedding_dim)) * rng.choice([0.1, 3], size=a.n_terms)[:, None]
    set_weights(model, {**get_weights(model), "E": E})


@pytest.mark.parametrize("scope", [0, 5])
def test_kept_terms_keep_their_rows_plain_and_negated(nlp: Language, scope: int) -> None:
    model = find_component(nlp).model
    _vocabulary_alone(model, scope)
    before, E = dict(model.attrs["vocabulary"]), get_weights(model)["E"].copy()
    keep_terms(model, 100)
    kept = model.attrs["vocabulary"]
    new = get_weights(model)["E"]
    assert list(kept) == sorted(kept, key=before.__getitem__)
    assert list(kept.values()) == list(range(100 + N_SPECIAL))
    assert len(new) == model.attrs["preprocessor"].n_ids(len(kept))
    np.testing.assert_array_equal(new[len(kept) * (2 if scope else 1) :], E[len(before) * (2 if scope else 1) :])
    for term, i in kept.items():
        np.testing.assert_array_equal(new[i], E[before[term]])
        if scope:
            np.testing.assert_array_equal(new[i + len(kept)], E[before[term] + len(before)])


def test_texts_of_kept_terms_score_the_same_also_negated(nlp: Language) -> None:
    model = find_component(nlp).model
    terms, before = model.attrs["preprocessor"], model.attrs["vocabulary"]
    # Only strong terms are kept, and "not" must be one of them, because its pairs need it.
    E = get_weights(model)["E"].copy()
    E[[before[term] for term in terms.lexeme("not").terms]] *= 100
    set_weights(model, {**get_weights(model), "E": E})
    words = [term.removeprefix("form ") for term in before if term.startswith("form ") and term[5:].isalpha()]
    texts = [text for word in words for text in (word, f"not {word}", f"not not {word} not")]
    expected = TextScorer(nlp)(texts)
    keep_terms(model, len(before) // 2)
    kept = model.attrs["vocabulary"]
    is_kept = [all(term in kept for term in terms.lexeme(word).terms if term in before) for word in words]
    assert 10 < sum(is_kept) < len(words) - 10
    same = np.repeat(is_kept, 3)
    np.testing.assert_allclose(TextScorer(nlp)(texts)[same], expected[same], atol=1e-6)


def test_a_model_is_shrunk_to_a_size(nlp: Language, tmp_path: Path) -> None:
    component = find_component(nlp)
    whole = files_size(component.model, component.cfg)
    size = compact_files(component.model, component.cfg, 300_000)
    assert size <= 300_000 < whole
    component.to_disk(tmp_path / "small", exclude=["vocab"])
    assert sum(path.stat().st_size for path in (tmp_path / "small").iterdir()) == size


def test_the_weights_of_a_layer_that_does_not_fold_are_stored_as_int8(require_trax: None, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    config = {
        "@architectures": "spacy_trax_sentiment.TraxLayer.v1",
        "layer": {"@misc": "spacy_trax_sentiment.Convolution.v1", "embedding_dim": 64, "filters": 64},
        "preprocessor": {"@misc": "spacy_trax_sentiment.SentimentTerms.v1", "bigram_buckets": 16},
    }
    component: Any = nlp.add_pipe("trax_sentiment", config={"model": config, "pretrained": None})
    texts = ["good", "bad", "a fine day", "an awful day"]
    cats = [{"positive": float(i % 2), "negative": float(1 - i % 2)} for i in range(4)]
    examples = [Example.from_dict(nlp.make_doc(text), {"cats": of}) for text, of in zip(texts, cats, strict=True)]
    nlp.initialize(lambda: examples)
    expected, whole = TextScorer(nlp)(texts), files_size(component.model, component.cfg)
    size = compact_files(component.model, component.cfg, whole)
    compacted = TextScorer(nlp)(texts)
    np.testing.assert_allclose(compacted, expected, atol=0.02)
    component.to_disk(tmp_path / "small", exclude=["vocab"])
    assert sum(path.stat().st_size for path in (tmp_path / "small").iterdir()) == size < whole
    component.from_disk(tmp_path / "small")
    np.testing.assert_allclose(TextScorer(nlp)(texts), compacted, atol=1e-6)
    with pytest.raises(SentimentError, match="S075"):
        compact_files(component.model, component.cfg, 1000)


def test_a_size_that_cannot_be_reached_is_refused(nlp: Language) -> None:
    component = find_component(nlp)
    with pytest.raises(SentimentError, match="S075"):
        compact_files(component.model, component.cfg, 1000)
