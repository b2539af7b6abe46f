from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language

from spacy_trax_sentiment import TextScorer
from spacy_trax_sentiment.component import find_component
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.model.compact import compact_files, files_size, fold_embedding, keep_terms
from spacy_trax_sentiment.model.thinc_model import get_architecture, to_trax_layer
from spacy_trax_sentiment.text.vocabulary import N_SPECIAL

TEXTS = ["I love it", "awful, never again", "not good at all", "", "zzzz", "the parcel"]


@pytest.fixture
def nlp(trained: Language, tmp_path: Path) -> Language:
    trained.to_disk(tmp_path / "m")
    return spacy.load(tmp_path / "m")


def test_folding_the_embedding_keeps_the_scores(trained: Language, nlp: Language) -> None:
    model = find_component(nlp, "").model
    fold_embedding(model)
    assert get_architecture(model).embedding_dim == 2
    np.testing.assert_allclose(TextScorer(nlp)(TEXTS), TextScorer(trained)(TEXTS), atol=1e-5)


def test_a_folded_model_is_still_a_trax_layer(trained: Language, nlp: Language) -> None:
    model = find_component(nlp, "").model
    fold_embedding(model)
    ids = np.array([[3, 4, 5, 0, 0, 0, 0, 0]], dtype=np.int32)
    before = np.asarray(to_trax_layer(find_component(trained, "").model)(ids))
    np.testing.assert_allclose(np.asarray(to_trax_layer(model)(ids)), before, atol=1e-5)


def test_terms_left_out_score_as_unknown_ones(nlp: Language) -> None:
    model = find_component(nlp, "").model
    before = dict(model.attrs["vocabulary"])
    keep_terms(model, 50)
    kept = model.attrs["vocabulary"]
    assert len(kept) == 50 + N_SPECIAL
    assert kept.keys() < before.keys()
    scores = dict(zip(TEXTS, TextScorer(nlp)(TEXTS).tolist(), strict=True))
    assert "the" not in kept
    assert scores["the parcel"] == scores["zzzz"] == pytest.approx(model.attrs["label_prior"])


def test_all_terms_kept_change_nothing(trained: Language, nlp: Language) -> None:
    model = find_component(nlp, "").model
    keep_terms(model, len(model.attrs["vocabulary"]))
    np.testing.assert_array_equal(TextScorer(nlp)(TEXTS), TextScorer(trained)(TEXTS))


def test_a_model_is_made_to_fit(nlp: Language, tmp_path: Path) -> None:
    component = find_component(nlp, "")
    whole = files_size(component.model, component.cfg)
    size = compact_files(component.model, component.cfg, 80_000)
    assert size <= 80_000 < whole
    component.to_disk(tmp_path / "small", exclude=["vocab"])
    assert sum(path.stat().st_size for path in (tmp_path / "small").iterdir()) == size


def test_a_size_that_cannot_be_reached_is_refused(nlp: Language) -> None:
    component = find_component(nlp, "")
    with pytest.raises(SentimentError, match="S075"):
        compact_files(component.model, component.cfg, 1000)
