import numpy as np
import pytest
import spacy
from spacy.language import Language

from spacy_trax_sentiment.evaluation.words import strongest_words, word_weights
from spacy_trax_sentiment.model.folded import Folded
from spacy_trax_sentiment.model.inputs import docs_to_ids
from spacy_trax_sentiment.model.thinc_model import folded_classifier
from spacy_trax_sentiment.pipelines import find_component, load
from spacy_trax_sentiment.text.vocabulary import N_SPECIAL
from spacy_trax_sentiment.training.labelled import LabelledText

Texts = list[LabelledText]


def test_the_weight_of_a_word_is_the_sum_over_its_terms(trained: Language, short_texts: tuple[Texts, Texts]) -> None:
    component = find_component(trained)
    make_doc = spacy.blank("en").make_doc
    docs = [make_doc(text) for text, _ in short_texts[0]]
    found = strongest_words(component.model, component.labels, docs, n=10)
    assert list(found) == ["negative", "positive"]
    tokens = {token.lower_ for doc in docs for token in doc}
    table = folded_classifier(component.model).matrix
    for label, sign in (("negative", -1), ("positive", 1)):
        words = found[label]
        assert len(words) == 10
        assert [word.weight for word in words] == sorted((word.weight for word in words), reverse=True)
        for word in words:
            assert word.text in tokens
            assert word.occurrences >= 2
            (ids,) = docs_to_ids(component.model, [make_doc(word.text)])
            row = table[ids[ids >= N_SPECIAL]].sum(axis=0)
            assert word.weight == pytest.approx(sign * (row[1] - row[0]), rel=1e-5)


def test_the_bundled_models_strongest_words_are_words(short_texts: tuple[Texts, Texts]) -> None:
    nlp = load("en")
    component = find_component(nlp)
    found = strongest_words(component.model, component.labels, [nlp.make_doc(text) for text, _ in short_texts[0]])
    assert "worst" in [word.text for word in found["negative"]]
    assert "excellent" in [word.text for word in found["positive"]]
    assert all(" " not in word.text for words in found.values() for word in words)


def test_spellings_with_the_same_terms_count_as_one_word() -> None:
    nlp = load("en")
    component = find_component(nlp)
    docs = [nlp.make_doc(text) for text in ("LOVE love", "looove great", "looove hate")]
    words = {
        word.text: word.occurrences for word in strongest_words(component.model, component.labels, docs)["positive"]
    }
    assert words == {"love": 4}  # "great" occurs once


def test_without_texts_there_are_no_words(trained: Language) -> None:
    component = find_component(trained)
    assert strongest_words(component.model, component.labels, []) == {"negative": [], "positive": []}


def test_with_a_hidden_layer_a_weight_is_what_the_word_alone_changes() -> None:
    rng = np.random.default_rng(0)
    output = rng.normal(size=(4, 3)), rng.normal(size=3)
    table, bias = np.concatenate([rng.normal(size=(5, 4)), np.ones((5, 1))], axis=1), rng.normal(size=4)
    weights = word_weights(Folded(table, bias, output, None), [np.array([i]) for i in range(5)] + [np.array([2, 3])])
    assert weights.sum(axis=1) == pytest.approx(np.zeros(6))
    for word, row in ((2, table[2]), (5, table[2] + table[3])):
        alone = np.maximum(row[:4] + bias, 0) @ output[0] - np.maximum(bias, 0) @ output[0]
        assert weights[word] == pytest.approx(alone - alone.mean())
