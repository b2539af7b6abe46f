from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from spacy_trax_sentiment import TextScorer, load
from spacy_trax_sentiment.model import caches
from spacy_trax_sentiment.model.inputs import lexeme_cache, scoring_models
from spacy_trax_sentiment.pipelines import find_component

TEXTS = [f"I do not love the word{i} :) but <b>good</b> food{i}, 9/10" for i in range(60)]
TARGETS = [[(text.index("food"), text.index(","))] for text in TEXTS]


@pytest.mark.parametrize("name", ["en", "en_trf", "en_auto"])
def test_a_new_cache_changes_no_score(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = TextScorer.load(name).predict_proba(TEXTS)
    nlp = load(name)
    models, scorer = scoring_models(find_component(nlp).model), TextScorer(nlp)
    monkeypatch.setattr(caches, "MOST_LEXEMES", 20)
    batches = [range(start, start + 5) for start in range(0, len(TEXTS), 5)]

    def score(batch: range) -> np.ndarray:
        return scorer.predict_proba([TEXTS[i] for i in batch])

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(score, [*batches, *reversed(batches)]))
    np.testing.assert_allclose(np.concatenate(found[: len(batches)]), expected, atol=1e-6)
    np.testing.assert_allclose(np.concatenate(found[: len(batches) - 1 : -1]), expected, atol=1e-6)
    of_docs = [list(doc.cats.values()) for doc in nlp.pipe(TEXTS, batch_size=5)]
    np.testing.assert_allclose(of_docs, expected, atol=1e-6)
    explained = [list(doc._.sentiment.probabilities.values()) for doc in nlp.pipe(TEXTS[:10], batch_size=5)]
    np.testing.assert_allclose(explained, expected[:10], atol=1e-5)
    assert all(lexeme_cache(model).n_lexemes < 80 for model in models)


def test_a_new_cache_changes_no_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = TextScorer.load("en_trf")
    expected = scorer.predict_proba(TEXTS, TARGETS).values
    monkeypatch.setattr(caches, "MOST_LEXEMES", 20)
    found = [scorer.predict_proba([text], [spans]).values for text, spans in zip(TEXTS, TARGETS, strict=True)]
    np.testing.assert_allclose(np.concatenate(found), expected, atol=1e-5)
