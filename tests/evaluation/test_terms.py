import numpy as np
import pytest
import spacy
from spacy.language import Language

from spacy_trax_sentiment.evaluation.terms import NEGATED, label_weights, strongest_terms
from spacy_trax_sentiment.model.folded import Folded
from spacy_trax_sentiment.model.thinc_model import folded_classifier
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.text.vocabulary import SPECIAL_TERMS
from spacy_trax_sentiment.training.labelled import LabelledText

Texts = list[LabelledText]


def test_the_terms_speak_for_their_label(trained: Language, short_texts: tuple[Texts, Texts]) -> None:
    component = find_component(trained, "")
    make_doc = spacy.blank("en").make_doc
    docs = [make_doc(text) for text, _ in short_texts[0]]
    found = strongest_terms(component.model, component.labels, docs, n=10)
    assert list(found) == ["negative", "positive"]
    vocabulary = component.model.attrs["vocabulary"]
    folded = folded_classifier(component.model)
    for label, sign in (("negative", -1), ("positive", 1)):
        terms = found[label]
        assert len(terms) == 10
        assert [term.weight for term in terms] == sorted((term.weight for term in terms), reverse=True)
        for term in terms:
            assert term.occurrences >= 2
            plain = term.text.removeprefix(NEGATED)
            assert plain not in SPECIAL_TERMS
            row = folded.table[vocabulary[plain] + (len(vocabulary) if plain != term.text else 0)]
            assert term.weight == pytest.approx(sign * (row[1] - row[0]), rel=1e-5)


def test_terms_are_counted_in_the_texts(trained: Language) -> None:
    component = find_component(trained, "")
    docs = [trained.make_doc(text) for text in ("love love", "love it", "not love", "hate")]
    terms = {term.text: term for term in strongest_terms(component.model, component.labels, docs)["positive"]}
    assert terms["love"].occurrences == 3
    assert "hate" not in terms  # it occurs once


def test_of_no_texts_there_are_no_terms(trained: Language) -> None:
    component = find_component(trained, "")
    assert strongest_terms(component.model, component.labels, []) == {"negative": [], "positive": []}


def test_with_a_hidden_layer_a_weight_is_what_the_term_alone_changes() -> None:
    rng = np.random.default_rng(0)
    output = rng.normal(size=(4, 3)), rng.normal(size=3)
    table, bias = np.concatenate([rng.normal(size=(5, 4)), np.ones((5, 1))], axis=1), rng.normal(size=4)
    weights = label_weights(Folded(table, bias, output, None), np.arange(5))
    assert weights.sum(axis=1) == pytest.approx(np.zeros(5))
    alone = np.maximum(table[2, :4] + bias, 0) @ output[0] - np.maximum(bias, 0) @ output[0]
    assert weights[2] == pytest.approx(alone - alone.mean())
