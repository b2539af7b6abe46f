import json
import logging
import pickle
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.explanation import doc_extension
from spacy_trax_sentiment.explanation.contributions import align, doc_contributions
from spacy_trax_sentiment.explanation.sentiment import Sentiment
from spacy_trax_sentiment.pipelines import load
from spacy_trax_sentiment.text.process_tweet import ProcessTweet

TERMS = {"@misc": "spacy_trax_sentiment.SentimentTerms.v1", "bigram_buckets": 64}
TWEETS = {"@misc": "spacy_trax_sentiment.ProcessTweet.v1", "stop_words": ["the", "is"]}
LAYER = {
    "@architectures": "spacy_trax_sentiment.TraxLayer.v1",
    "layer": {"@misc": "spacy_trax_sentiment.Convolution.v1", "embedding_dim": 8, "filters": 8},
}
CLASSIFIER = {"@architectures": "spacy_trax_sentiment.Classifier.v1", "embedding_dim": 8}
MODELS: dict[str, dict[str, Any]] = {
    "additive": {**CLASSIFIER, "preprocessor": TERMS, "length_exponent": 0.7},
    "plain mean": {**CLASSIFIER, "preprocessor": TERMS, "mean": "plain"},
    "hidden layer": {**CLASSIFIER, "preprocessor": TERMS, "hidden_width": 16},
    "whole texts": {**CLASSIFIER, "preprocessor": TWEETS},
    "layer": {**LAYER, "preprocessor": TERMS},
    "layer of whole texts": {**LAYER, "preprocessor": TWEETS},
}
DATA = {
    "The food is good :-)": "positive",
    "Not bad at all, but slow http://a.b/c": "negative",
    "The table is wood": "neutral",
    "so good, so bad, so what": "neutral",
}
WORDS = st.sampled_from([*" ".join(DATA).split(), "never", "unseen", "\n", "😀", ":(", "<b>", "but"])
TEXTS = st.lists(WORDS, max_size=12).map(" ".join)


def _trained(model: dict[str, Any], labels: tuple[str, ...]) -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config={"model": model, "pretrained": None})
    examples = [
        Example.from_dict(nlp.make_doc(text), {"cats": {name: float(name == label) for name in labels}})
        for text, label in DATA.items()
        if label in labels
    ]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.05
    for _ in range(10):
        nlp.update(examples, sgd=optimizer)
    return nlp


@pytest.fixture(scope="module", params=MODELS)
def two_labels(request: pytest.FixtureRequest, require_trax: None) -> Language:
    return _trained(MODELS[request.param], ("negative", "positive"))


@pytest.fixture(scope="module")
def three_labels(require_trax: None) -> Language:
    return _trained(MODELS["additive"], ("negative", "neutral", "positive"))


@pytest.fixture(scope="module")
def bundled() -> Language:
    return load("en")


def _log_odds(doc: Doc) -> float:
    return float(np.log(doc.cats["positive"]) - np.log(doc.cats["negative"]))


@given(text=TEXTS)
def test_contributions_and_bias_are_the_log_odds(two_labels: Language, text: str) -> None:
    doc = two_labels(text)
    found = doc._.sentiment
    assert found.contributions.shape == found.negated.shape == (len(doc),)
    assert found.contributions.sum() + found.bias == pytest.approx(found.score, abs=1e-9)
    assert found.score == pytest.approx(_log_odds(doc), abs=1e-5)
    assert found.probabilities == pytest.approx(doc.cats, abs=1e-6)
    assert found.label == max(doc.cats, key=doc.cats.__getitem__)
    assert found.probability == pytest.approx(max(doc.cats.values()), abs=1e-6)


@given(text=st.text(max_size=60) | TEXTS)
def test_of_the_bundled_model(bundled: Language, text: str) -> None:
    doc = bundled(text)
    found = doc._.sentiment
    assert found.contributions.sum() + found.bias == pytest.approx(found.score, abs=1e-9)
    assert found.probabilities == pytest.approx(doc.cats, abs=1e-6)


@given(text=TEXTS)
def test_three_labels_have_contributions_each(three_labels: Language, text: str) -> None:
    doc = three_labels(text)
    found = doc._.sentiment
    logs = np.log(list(doc.cats.values()))
    assert found.contributions.shape == (len(doc), 3)
    np.testing.assert_allclose(found.contributions.sum(axis=0) + found.bias, logs - logs.mean(), atol=1e-5)
    assert found.score == pytest.approx(_log_odds(doc), abs=1e-5)
    assert found.token_scores.sum() + found.bias[2] - found.bias[0] == pytest.approx(found.score, abs=1e-9)


@pytest.mark.usefixtures("require_trax")
def test_labels_without_poles() -> None:
    for labels in (("neutral", "positive"), ("negative", "positive", "neutral", "odd")):
        nlp = _trained(MODELS["additive"], labels)
        found = nlp("so good")._.sentiment
        assert found.poles == (("positive", "neutral") if len(labels) == 2 else ("positive", "negative"))
    doc = nlp("so good")
    renamed = Sentiment(
        doc, ("a", "b", "c", "d"), doc_contributions(nlp.get_pipe("trax_sentiment").model, doc)
    )
    assert renamed.score is None
    assert renamed.token_scores.tolist() == renamed.contributions[:, "abcd".index(renamed.label)].tolist()


@pytest.mark.usefixtures("require_trax")
def test_a_token_alone_has_what_its_terms_add() -> None:
    """By removal: without pairs, negation or division by the length, that is what a token adds."""
    model = {**MODELS["additive"], "preprocessor": {**TERMS, "bigram_buckets": 0}, "length_exponent": 0.0}
    nlp = _trained(model, ("negative", "positive"))
    whole, without = nlp("food good slow")._.sentiment, nlp("food slow")._.sentiment
    assert whole.contributions[1] == pytest.approx(whole.score - without.score, abs=1e-6)
    assert whole.contributions[1] != 0


@pytest.mark.usefixtures("require_trax")
def test_a_pair_is_shared_out_by_halves() -> None:
    nlp = _trained({**MODELS["additive"], "length_exponent": 0.0}, ("negative", "positive"))
    alone = [nlp(word)._.sentiment.contributions[0] for word in ("good", "wood")]
    both = nlp("good wood")._.sentiment.contributions
    assert both[0] - alone[0] == pytest.approx(both[1] - alone[1], abs=1e-6)


def test_negation_is_visible(bundled: Language) -> None:
    assert bundled("I am not happy. Good")._.sentiment.negated.tolist() == [False, False, False, True, False, False]


@given(text=TEXTS)
def test_the_whole_as_a_span_is_the_doc(two_labels: Language, text: str) -> None:
    doc = two_labels(text)
    of_doc, of_span = doc._.sentiment, doc[:]._.sentiment
    assert of_span.score == pytest.approx(of_doc.score, abs=1e-12)
    np.testing.assert_allclose(of_span.contributions, of_doc.contributions, atol=1e-12)


@given(left=TEXTS, right=TEXTS)
def test_a_sentence_scores_as_by_itself_but_for_what_reaches_into_it(left: str, right: str, bundled: Language) -> None:
    left = left.replace("but", "and").replace("\n", "").strip() + " ."
    right = right.replace("but", "and").replace("\n", "").strip()
    doc = Doc(bundled.vocab, [*(t.text for t in bundled.make_doc(left)), *(t.text for t in bundled.make_doc(right))])
    n = len(bundled.make_doc(left))
    for span, text in ((doc[:n], left), (doc[n:], right)):
        alone = bundled(Doc(bundled.vocab, [t.text for t in bundled.make_doc(text)]))
        assert span._.sentiment.score == pytest.approx(alone._.sentiment.score, abs=1e-6)
        assert len(span._.sentiment.contributions) == len(span)


def test_sentences_do_not_score_the_doc_again(bundled: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    nlp = load("en")
    nlp.add_pipe("sentencizer", first=True)
    doc = nlp("A good film. A bad book. Not happy.")
    calls = []
    found = doc_extension.doc_contributions
    monkeypatch.setattr(doc_extension, "doc_contributions", lambda *a: calls.append(1) or found(*a))
    assert [sent._.sentiment.label for sent in doc.sents] == ["positive", "negative", "negative"]
    assert len(calls) == 1


@pytest.mark.usefixtures("require_trax")
def test_what_changes_is_found_anew() -> None:
    nlp = _trained(MODELS["additive"], ("negative", "positive"))
    doc = nlp("so good what")
    before = doc._.sentiment
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[:2])
    assert doc._.sentiment.contributions.shape == (2,)
    doc = nlp("so good what")
    example = Example.from_dict(nlp.make_doc("so good"), {"cats": {"positive": 0.0, "negative": 1.0}})
    assert doc._.sentiment.score == before.score
    nlp.update([example], sgd=nlp.resume_training())
    assert doc._.sentiment.score != before.score


def test_the_component_that_set_the_cats_explains() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", name="second", config={"pretrained": "en_ternary"})
    assert nlp("good")._.sentiment.labels == ("negative", "neutral", "positive")
    nlp.add_pipe("trax_sentiment")
    with nlp.select_pipes(disable="second"):
        assert nlp("good")._.sentiment.labels == ("negative", "positive")
    doc = nlp("good")
    assert nlp.get_pipe("second").explain(doc).labels == ("negative", "neutral", "positive")
    assert nlp.get_pipe("trax_sentiment").explain(doc[:]).labels == ("negative", "positive")


@pytest.mark.usefixtures("require_trax")
def test_a_sourced_component_and_copies_of_docs(bundled: Language) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", source=bundled)
    for doc in nlp.pipe(["quite good", "really bad"]):
        expected = bundled(doc.text)._.sentiment.score
        # The last is how nlp.pipe gets Docs back from other processes.
        sent = Doc(nlp.vocab).from_bytes(doc.to_bytes())
        for each in (doc, pickle.loads(pickle.dumps(doc)), *DocBin(docs=[doc]).get_docs(nlp.vocab), sent):
            assert each._.sentiment.score == pytest.approx(expected, abs=1e-6)


def test_without_a_component() -> None:
    with pytest.raises(SentimentError, match="S080"):
        spacy.blank("en")("good")._.sentiment  # noqa: B018
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config={"pretrained": None})
    with pytest.raises(ValueError, match="E109"):
        nlp.make_doc("good")._.sentiment  # noqa: B018


def test_another_extension_of_that_name_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    ours = [(kind, kind.remove_extension("sentiment")) for kind in (Doc, Span)]
    try:
        Doc.set_extension("sentiment", default="theirs")
        with caplog.at_level(logging.WARNING):
            doc_extension.register_extensions()
        assert spacy.blank("en")("good")._.sentiment == "theirs"
        assert "another package's" in caplog.text
    finally:
        for kind, (_, _, getter, _) in ours:
            kind.set_extension("sentiment", getter=getter, force=True)


def test_to_dict_is_json(bundled: Language, three_labels: Language) -> None:
    found = bundled("Not  good")._.sentiment.to_dict()
    assert json.loads(json.dumps(found)) == found
    assert [(each["text"], each["start"], each["end"]) for each in found["tokens"]] == [
        ("Not", 0, 3),
        (" ", 4, 5),
        ("good", 5, 9),
    ]
    assert sum(each["contribution"] for each in found["tokens"]) + found["bias"] == pytest.approx(found["score"])
    of_three = three_labels("so good")._.sentiment.to_dict()
    assert set(of_three["tokens"][0]["contribution"]) == set(of_three["bias"]) == {"negative", "neutral", "positive"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The food is good", {"food": (1, 1), "good": (3, 3)}),
        ("good :-) food", {"good": (0, 0), ":-)": (1, 1), "food": (2, 2)}),
        ("see http://a.b/c good", {"see": (0, 0)}),
        ("", {}),
    ],
)
def test_terms_of_whole_texts_find_their_tokens(text: str, expected: dict[str, tuple[int, int]]) -> None:
    doc = spacy.blank("en")(text)
    preprocessor = ProcessTweet(["the", "is"])
    found = zip(*map(np.ndarray.tolist, align(preprocessor, doc)), strict=True)
    assert dict(zip(preprocessor(doc), found, strict=True)) == expected


@pytest.mark.slow
@given(text=st.text(max_size=40))
def test_every_term_has_a_token(text: str) -> None:
    doc = spacy.blank("en")(text)
    preprocessor = ProcessTweet([])
    first, last = align(preprocessor, doc)
    assert len(first) == len(last) == len(preprocessor(doc))
    assert ((first >= 0) & (first <= last) & (last < len(doc))).all()
