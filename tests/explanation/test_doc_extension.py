"""Which component scored a Doc, and when `doc._.sentiment` is registered."""

import gc
import logging
import pickle
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.pipelines import load


@pytest.fixture(scope="module")
def bundled() -> Language:
    """A pipeline with the bundled weights. Tests must not change it."""
    return load("en")


def _printed_by(code: str, *arguments: Path) -> list[str]:
    """Return the lines that the code prints in a Python process of its own, which must succeed."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_extension_is_registered_when_a_component_is_made_and_not_before() -> None:
    code = (
        "import spacy\n"
        "from spacy.tokens import Doc, Span\n"
        "import spacy_trax_sentiment.component, spacy_trax_sentiment.explanation.doc_extension\n"
        "nlp = spacy.blank('en')\n"
        "print(Doc.has_extension('sentiment'), Span.has_extension('sentiment'))\n"
        "nlp.add_pipe('trax_sentiment')\n"
        "print(Doc.has_extension('sentiment'), Span.has_extension('sentiment'))\n"
        "doc = nlp('What a lovely day')\n"
        "print(doc._.sentiment.label, doc[2:3]._.sentiment.label)\n"
    )
    assert _printed_by(code) == ["False False", "True True", "positive positive"]


@pytest.mark.slow
def test_another_package_may_register_an_extension_of_that_name_and_keeps_it() -> None:
    code = (
        "import spacy\n"
        "from spacy.tokens import Doc, Span\n"
        "nlp = spacy.blank('en')\n"
        "Doc.set_extension('sentiment', default='theirs')\n"
        "nlp.add_pipe('trax_sentiment')\n"
        "doc = nlp('What a lovely day')\n"
        "print(doc._.sentiment)\n"
        "print(doc[2:3]._.sentiment.label, nlp.get_pipe('trax_sentiment').explain(doc).label)\n"
    )
    assert _printed_by(code) == ["theirs", "positive positive"]


def test_the_component_that_scored_a_doc_last_explains_it() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", name="second", config={"pretrained": "en_ternary"})
    assert nlp("good")._.sentiment.labels == ("negative", "neutral", "positive")
    nlp.add_pipe("trax_sentiment")
    with nlp.select_pipes(disable="second"):
        assert nlp("good")._.sentiment.labels == ("negative", "positive")
    doc = nlp("good")
    assert nlp.get_pipe("second").explain(doc).labels == ("negative", "neutral", "positive")
    assert nlp.get_pipe("trax_sentiment").explain(doc[:]).labels == ("negative", "positive")


def _copies(doc: Doc, nlp: Language) -> list[Doc]:
    """Return copies of a Doc, the last one as nlp.pipe gets it back from other processes."""
    sent = Doc(nlp.vocab).from_bytes(doc.to_bytes())
    return [pickle.loads(pickle.dumps(doc)), *DocBin(docs=[doc]).get_docs(nlp.vocab), sent]


def test_a_copy_is_explained_by_the_only_component_of_its_vocabulary() -> None:
    nlp = load("en")
    doc = nlp("quite good")
    for each in _copies(doc, nlp)[1:]:
        assert each._.sentiment.log_odds == pytest.approx(doc._.sentiment.log_odds, abs=1e-6)
    nlp.add_pipe("trax_sentiment", name="second")
    with pytest.raises(SentimentError, match=r"S084.*explain"):
        _copies(doc, nlp)[1]._.sentiment  # noqa: B018


def test_a_sourced_component_explains_the_docs_that_it_scored(bundled: Language) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", source=bundled)
    for doc in nlp.pipe(["quite good", "really bad"]):
        expected = bundled(doc.text)._.sentiment.log_odds
        assert doc._.sentiment.log_odds == pytest.approx(expected, abs=1e-6)
        for each in _copies(doc, nlp):
            with pytest.raises(SentimentError, match=r"S080.*explain"):
                each._.sentiment  # noqa: B018
            found = nlp.get_pipe("trax_sentiment").explain(each)
            assert found.log_odds == pytest.approx(expected, abs=1e-6)


def test_two_components_of_one_vocabulary_each_explain_the_docs_that_they_scored() -> None:
    vocab = load("en").vocab
    pipelines = [Language(vocab), Language(vocab)]
    for nlp, pretrained in zip(pipelines, ("en", "en_ternary"), strict=True):
        nlp.add_pipe("trax_sentiment", config={"pretrained": pretrained})
    docs = [nlp("quite good") for nlp in pipelines]
    assert [len(doc._.sentiment.labels) for doc in docs] == [2, 3]
    # A Doc from elsewhere does not say which one scored it.
    (stored,) = DocBin(docs=docs[:1], store_user_data=True).get_docs(vocab)
    for each in (stored, docs[0][:1].as_doc(), docs[0].copy()):
        with pytest.raises(SentimentError, match=r"S084.*explain\(doc\)"):
            each._.sentiment  # noqa: B018
        found = pipelines[0].get_pipe("trax_sentiment").explain(each)  # type: ignore[attr-defined]
        assert found.labels == ("negative", "positive")
    # One that is no longer in use is no candidate.
    del pipelines[1], nlp, docs[1]
    gc.collect()
    assert len(stored._.sentiment.labels) == 2


def test_a_span_as_a_doc_is_explained_by_itself(bundled: Language) -> None:
    part = bundled("The film was good, the food was awful")[5:].as_doc()
    assert part._.sentiment.log_odds == pytest.approx(bundled(part.text)._.sentiment.log_odds, abs=1e-6)
    assert part._.sentiment.label == "negative"


@pytest.mark.slow
def test_docs_from_other_processes_are_explained_unless_several_components_may_have_scored_them() -> None:
    # In a process of its own: forking this one, in which JAX may run threads, may hang.
    code = (
        "import spacy\n"
        "if __name__ == '__main__':\n"
        "    nlp = spacy.blank('en')\n"
        "    nlp.add_pipe('trax_sentiment')\n"
        "    texts = ['I love this film', 'awful food'] * 4\n"
        "    docs = list(nlp.pipe(texts, n_process=2, batch_size=2))\n"
        "    found, expected = ([round(d._.sentiment.log_odds, 4) for d in some] for some in (docs, map(nlp, texts)))\n"
        "    print(found == expected)\n"
        "    nlp.add_pipe('trax_sentiment', name='second', config={'pretrained': 'en_ternary'})\n"
        "    doc = list(nlp.pipe(texts, n_process=2, batch_size=2))[0]\n"
        "    try:\n"
        "        doc._.sentiment\n"
        "    except ValueError as error:\n"
        "        print(str(error).split()[0], nlp.get_pipe('second').explain(doc).label)\n"
    )
    assert _printed_by(code) == ["True", "[S084] positive"]


def test_neither_docs_nor_components_are_kept_alive() -> None:
    nlp = load("en")
    doc = nlp("quite good")
    assert doc._.sentiment.label == "positive"
    known = weakref.ref(doc), weakref.ref(nlp.get_pipe("trax_sentiment"))
    del doc, nlp
    gc.collect()
    assert [each() for each in known] == [None, None]


def test_nothing_but_cats_is_stored_on_a_doc(bundled: Language) -> None:
    doc = bundled("quite good")
    before = doc.to_bytes()
    assert doc._.sentiment.label == "positive"
    assert doc.to_bytes() == before
    assert not doc.user_data


def test_a_doc_that_no_component_scored_is_refused() -> None:
    with pytest.raises(SentimentError, match="S080"):
        spacy.blank("en")("good")._.sentiment  # noqa: B018
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config={"pretrained": None})
    with pytest.raises(ValueError, match="E109"):
        nlp.make_doc("good")._.sentiment  # noqa: B018


def test_an_extension_that_is_not_registered_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    ours = [(kind, kind.remove_extension("sentiment")) for kind in (Doc, Span)]
    try:
        Doc.set_extension("sentiment", default="theirs")
        nlp = spacy.blank("en")
        with caplog.at_level(logging.WARNING):
            nlp.add_pipe("trax_sentiment")
        assert nlp("good")._.sentiment == "theirs"
        assert "belongs to another package" in caplog.text
    finally:
        for kind, (_, _, getter, _) in ours:
            kind.set_extension("sentiment", getter=getter, force=True)
