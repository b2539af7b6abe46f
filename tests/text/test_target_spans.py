from itertools import pairwise
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_trax_sentiment import SentimentError
from spacy_trax_sentiment.text.target_spans import SOURCES, TargetSpans

NLP = spacy.blank("en")
WORDS = ["The", "new", "Nokia", "beats", "the", "old", "phone"]
pairs = st.tuples(st.integers(0, 6), st.integers(1, 7)).filter(lambda pair: pair[0] < pair[1])


def _spans(nlp: Language = NLP, sources: Any = SOURCES, patterns: Any = ()) -> TargetSpans:
    return TargetSpans(nlp.vocab, nlp.tokenizer, sources, patterns, "targets")


def _parsed() -> Doc:
    heads, deps = [2, 2, 3, 3, 6, 6, 3], ["det", "amod", "nsubj", "ROOT", "det", "amod", "dobj"]
    pos = ["DET", "ADJ", "PROPN", "VERB", "DET", "ADJ", "NOUN"]
    return Doc(NLP.vocab, WORDS, heads=heads, deps=deps, pos=pos, ents=["O", "O", "B-ORG", "O", "O", "O", "O"])


def _texts(doc: Doc, *arguments: Any) -> list[str]:
    return [doc[start:end].text for start, end in _spans(NLP, *arguments).spans(doc)]


def test_each_source_finds_its_spans() -> None:
    doc = _parsed()
    doc.spans["targets"] = [doc[3:4]]
    assert _texts(doc, ["ents"]) == ["Nokia"]
    assert _texts(doc, ["noun_chunks"]) == ["The new Nokia", "the old phone"]
    assert _texts(doc, ["spans"]) == ["beats"]
    assert _texts(doc, ["patterns"], ["PHONE", [{"LOWER": "new"}, {}], {"label": "X", "pattern": "Old"}]) == [
        *("new Nokia", "old", "phone"),
    ]


def test_the_longest_of_overlapping_spans_is_kept_but_never_over_a_given_one() -> None:
    doc = _parsed()
    assert _texts(doc, ["ents", "noun_chunks"]) == ["The new Nokia", "the old phone"]
    doc.spans["targets"] = [doc[2:3], doc[2:4], doc[2:3]]
    assert _texts(doc) == ["Nokia", "Nokia beats", "the old phone"]


@given(st.lists(pairs, max_size=6), st.lists(pairs, max_size=6))
def test_spans_are_in_order_and_found_ones_do_not_overlap(
    given_ones: list[tuple[int, int]], ents: list[tuple[int, int]]
) -> None:
    doc = Doc(NLP.vocab, WORDS)
    doc.spans["targets"] = [doc[start:end] for start, end in given_ones]
    patterns = [[{"ORTH": word} for word in WORDS[start:end]] for start, end in ents]
    found = _spans(NLP, ["spans", "patterns"], patterns).spans(doc)
    assert found == sorted(set(found))
    assert set(given_ones) <= set(found)
    others = [span for span in found if span not in given_ones]
    assert set(others) <= set(ents)
    assert all(first[1] <= second[0] for first, second in pairwise(others))
    assert all(a[1] <= b[0] or b[1] <= a[0] for a in others for b in given_ones)


@pytest.mark.parametrize("lang", ["xx", "en", "de"])
def test_a_doc_without_annotation_or_without_words_has_no_spans(lang: str) -> None:
    nlp = spacy.blank(lang)
    for text in ("", " ", "Nokia phone"):
        assert _spans(nlp).spans(nlp(text)) == []
    found = _spans(nlp)([nlp(""), nlp("phone")])
    assert found.dataXd.shape == (0, 2)
    assert found.lengths.tolist() == [0, 0]


def test_docs_of_another_vocabulary_are_matched() -> None:
    other = spacy.blank("en")
    suggester = _spans(patterns=["nokia", [{"LOWER": "phone"}]])
    doc = other("A Nokia phone")
    assert suggester.spans(doc) == [(1, 2), (2, 3)]
    found = suggester([doc, NLP("phone"), other("none")])
    assert found.dataXd.tolist() == [[1, 2], [2, 3], [0, 1]]
    assert found.lengths.tolist() == [2, 1, 0]


def test_phrases_are_tokenized_as_the_saved_tokenizer_says() -> None:
    nlp = spacy.blank("en")
    suggester = _spans(nlp, patterns=["camera/lens"])
    nlp.tokenizer.infix_finditer = spacy.util.compile_infix_regex(["/"]).finditer
    assert suggester.spans(nlp("a Camera/Lens")) == [(1, 4)]


@pytest.mark.parametrize("sources", [["entities"], [], ["ents", "words"]])
def test_an_unknown_source_is_refused(sources: list[str]) -> None:
    with pytest.raises(SentimentError, match="S207"):
        _spans(sources=sources)


@pytest.mark.parametrize("pattern", ["", " ", [], 3, None, [{"LOWERS": "a"}], {"label": "X"}, [{"LOWER": 1}], ["a"]])
def test_a_pattern_that_cannot_be_used_is_refused(pattern: Any) -> None:
    with pytest.raises(SentimentError, match="S208"):
        _spans(patterns=[pattern])


def test_an_empty_match_is_no_span() -> None:
    optional = [{"LOWER": "nokia", "OP": "?"}]
    assert all(isinstance(NLP("a phone")[i:j], Span) for i, j in _spans(patterns=[optional]).spans(NLP("a phone")))
    assert _spans(patterns=[optional]).spans(NLP("a phone")) == []
