import json
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from spacy_trax_sentiment.explanation import doc_extension
from spacy_trax_sentiment.pipelines import load

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
def test_contributions_and_bias_sum_to_the_log_odds(two_labels: Language, text: str) -> None:
    doc = two_labels(text)
    found = doc._.sentiment
    assert found.contributions.shape == (len(doc), 2)
    assert found.bias.shape == (2,)
    assert found.negated.shape == (len(doc),)
    for label, sign in (("positive", 1), ("negative", -1)):
        total = found.toward(label).sum() + found.bias_toward(label)
        assert total == pytest.approx(sign * found.log_odds, abs=1e-9)
    assert found.log_odds == pytest.approx(_log_odds(doc), abs=1e-5)
    assert found.polarity == pytest.approx(doc.cats["positive"] - doc.cats["negative"], abs=1e-6)
    assert found.probabilities == pytest.approx(doc.cats, abs=1e-6)
    assert found.label == (max(doc.cats, key=doc.cats.__getitem__) if found.n_known else None)
    assert found.probability == (pytest.approx(max(doc.cats.values()), abs=1e-6) if found.n_known else None)


@given(text=st.text(max_size=60) | TEXTS)
def test_the_bundled_model(bundled: Language, text: str) -> None:
    doc = bundled(text)
    found = doc._.sentiment
    assert found.toward("positive").sum() + found.bias_toward("positive") == pytest.approx(found.log_odds, abs=1e-9)
    assert found.probabilities == pytest.approx(doc.cats, abs=1e-6)


@given(text=TEXTS)
def test_for_each_label_they_sum_to_its_log_probability_less_the_mean(three_labels: Language, text: str) -> None:
    doc = three_labels(text)
    found = doc._.sentiment
    logs = np.log(list(doc.cats.values()))
    assert found.contributions.shape == (len(doc), 3)
    np.testing.assert_allclose(found.contributions.sum(axis=0) + found.bias, logs - logs.mean(), atol=1e-5)
    np.testing.assert_allclose(found.contributions.sum(axis=1), 0, atol=1e-9)
    for i, label in enumerate(found.labels):
        others = np.delete(found.contributions, i, axis=1).mean(axis=1)
        np.testing.assert_allclose(found.toward(label), found.contributions[:, i] - others, atol=1e-9)
        expected = logs[i] - np.delete(logs, i).mean()
        assert found.toward(label).sum() + found.bias_toward(label) == pytest.approx(expected, abs=1e-5)
    assert found.log_odds == pytest.approx(_log_odds(doc), abs=1e-5)


@pytest.mark.usefixtures("require_trax")
def test_labels_without_positive_and_negative_have_no_polarity() -> None:
    nlp = _trained(MODELS["additive"], ("neutral", "positive"))
    found = nlp("so good")._.sentiment
    assert (found.polarity, found.log_odds) == (None, None)
    assert found.toward("positive").sum() + found.bias_toward("positive") != 0
    assert "log_odds" not in repr(found)
    assert found.to_dict()["log_odds"] is None
    nlp = _trained(MODELS["additive"], ("negative", "positive", "neutral", "odd"))
    more = nlp("so good")._.sentiment
    assert more.log_odds > 0
    assert "log_odds=" in repr(more)


def test_tokens_with_a_known_term_count_as_evidence(bundled: Language) -> None:
    assert bundled("so good qwxzy @you good")._.sentiment.n_known == 3
    doc = bundled("qwxzy good")
    assert (doc[:1]._.sentiment.n_known, doc[1:]._.sentiment.n_known) == (0, 1)
    assert not doc[:1]._.sentiment.contributions.any()


@pytest.mark.usefixtures("require_trax")
def test_a_contribution_is_what_removing_the_token_takes_away() -> None:
    """This holds exactly without pairs, negation or division by the length."""
    model = {**MODELS["additive"], "preprocessor": {**TERMS, "bigram_buckets": 0}, "length_exponent": 0.0}
    nlp = _trained(model, ("negative", "positive"))
    whole, without = nlp("food good slow")._.sentiment, nlp("food slow")._.sentiment
    contribution = whole.toward("positive")[1]
    assert contribution == pytest.approx(whole.log_odds - without.log_odds, abs=1e-6)
    assert contribution != 0


@pytest.mark.usefixtures("require_trax")
def test_a_pair_is_split_evenly() -> None:
    nlp = _trained({**MODELS["additive"], "length_exponent": 0.0}, ("negative", "positive"))
    alone = [nlp(word)._.sentiment.toward("positive")[0] for word in ("good", "wood")]
    both = nlp("good wood")._.sentiment.toward("positive")
    assert both[0] - alone[0] == pytest.approx(both[1] - alone[1], abs=1e-6)


def test_negation_is_visible(bundled: Language) -> None:
    assert bundled("I am not happy. Good")._.sentiment.negated.tolist() == [False, False, False, True, False, False]


@given(text=TEXTS)
def test_the_whole_as_a_span_is_the_doc(two_labels: Language, text: str) -> None:
    doc = two_labels(text)
    of_doc, of_span = doc._.sentiment, doc[:]._.sentiment
    assert of_span.log_odds == pytest.approx(of_doc.log_odds, abs=1e-12)
    np.testing.assert_allclose(of_span.contributions, of_doc.contributions, atol=1e-12)


@given(left=TEXTS, right=TEXTS)
def test_a_sentence_is_scored_by_itself_unless_something_reaches_into_it(
    left: str, right: str, bundled: Language
) -> None:
    left = left.replace("but", "and").replace("\n", "").strip() + " ."
    right = right.replace("but", "and").replace("\n", "").strip()
    doc = Doc(bundled.vocab, [*(t.text for t in bundled.make_doc(left)), *(t.text for t in bundled.make_doc(right))])
    n = len(bundled.make_doc(left))
    for span, text in ((doc[:n], left), (doc[n:], right)):
        alone = bundled(Doc(bundled.vocab, [t.text for t in bundled.make_doc(text)]))
        assert span._.sentiment.log_odds == pytest.approx(alone._.sentiment.log_odds, abs=1e-6)
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
def test_a_change_of_the_doc_or_the_weights_is_noticed() -> None:
    nlp = _trained(MODELS["additive"], ("negative", "positive"))
    doc = nlp("so good what")
    before = doc._.sentiment
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[:2])
    assert doc._.sentiment.contributions.shape == (2, 2)
    doc = nlp("so good what")
    example = Example.from_dict(nlp.make_doc("so good"), {"cats": {"positive": 0.0, "negative": 1.0}})
    assert doc._.sentiment.log_odds == before.log_odds
    nlp.update([example], sgd=nlp.resume_training())
    assert doc._.sentiment.log_odds != before.log_odds


def test_to_dict_is_json_of_one_form_for_any_number_of_labels(bundled: Language, three_labels: Language) -> None:
    found = bundled("Not  good")._.sentiment.to_dict()
    assert json.loads(json.dumps(found)) == found
    assert [(each["text"], each["start"], each["end"]) for each in found["tokens"]] == [
        ("Not", 0, 3),
        (" ", 4, 5),
        ("good", 5, 9),
    ]
    for label, value in found["bias"].items():
        total = value + sum(token["contributions"][label] for token in found["tokens"])
        assert total == pytest.approx(found["log_odds"] / 2 * (1 if label == "positive" else -1))
    of_three = three_labels("so good")._.sentiment.to_dict()
    assert of_three.keys() == found.keys()
    assert of_three["tokens"][0].keys() == found["tokens"][0].keys()
    assert set(of_three["tokens"][0]["contributions"]) == set(of_three["bias"]) == {"negative", "neutral", "positive"}
