import pickle
from pathlib import Path

import pytest
import spacy
from spacy.language import Language

from spacy_trax_sentiment import SentimentError, TextScorer
from spacy_trax_sentiment.explanation.target_sentiment import TargetSentiment, target_sentiments
from spacy_trax_sentiment.pipelines import find_component

TEXT = "good film, awful smile"


def test_a_span_says_what_the_text_expresses_toward_it(tiny_targets: Language) -> None:
    doc = tiny_targets(TEXT)
    film, smile = doc[1:2]._.target_sentiment, doc[4:5]._.target_sentiment
    assert (film.label, smile.label) == ("positive", "negative")
    assert film.probability == film.probabilities["positive"] == max(film.probabilities.values())
    assert sum(film.probabilities.values()) == pytest.approx(1)
    assert film.polarity == pytest.approx(film.probabilities["positive"] - film.probabilities["negative"])
    assert film.polarity > 0 > smile.polarity
    assert film.to_dict() == {
        "label": "positive",
        "probability": film.probability,
        "probabilities": film.probabilities,
        "polarity": film.polarity,
    }


def test_spans_and_texts_have_the_same_scores(tiny_targets: Language) -> None:
    doc = tiny_targets(TEXT)
    spans = [doc[i:j] for i in range(len(doc)) for j in range(i + 1, len(doc) + 1)]
    found = [each._.target_sentiment.scores for each in spans]
    at_once = target_sentiments(find_component(tiny_targets).model, ("negative", "neutral", "positive"), spans)
    characters = [(each.start_char, each.end_char) for each in spans]
    bulk = TextScorer(tiny_targets).predict_proba([TEXT], [characters]).values
    for one, other, row in zip(found, at_once, bulk.tolist(), strict=True):
        assert one == pytest.approx(other.scores, abs=1e-6)
        assert one == pytest.approx(row, abs=1e-5)


def test_a_changed_doc_is_read_again(tiny_targets: Language) -> None:
    doc = tiny_targets(TEXT)
    before = doc[0:1]._.target_sentiment
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[3:5])
    assert doc[0:1]._.target_sentiment.label in before.labels
    assert doc[3:4]._.target_sentiment.scores != before.scores


def test_what_is_no_target_is_refused(tiny_targets: Language) -> None:
    doc, other = tiny_targets(TEXT), tiny_targets(TEXT)
    with pytest.raises(SentimentError, match="S205"):
        _ = doc[2:2]._.target_sentiment
    with pytest.raises(SentimentError, match="S204"):
        target_sentiments(find_component(tiny_targets).model, ("a", "b", "c"), [doc[0:1], other[0:1]])
    with pytest.raises(SentimentError, match="S080"):
        _ = spacy.blank("en")(TEXT)[0:1]._.target_sentiment


def test_a_target_sentiment_can_be_pickled(tiny_targets: Language, tmp_path: Path) -> None:
    found = tiny_targets(TEXT)[1:2]._.target_sentiment
    assert pickle.loads(pickle.dumps(found)) == found


def test_equal_probabilities_say_nothing() -> None:
    even = TargetSentiment(("negative", "neutral", "positive"), (1 / 3, 1 / 3, 1 / 3))
    assert (even.label, even.probability) == ("neutral", 1 / 3)
    two = TargetSentiment(("negative", "positive"), (0.5, 0.5))
    assert (two.label, two.probability, two.polarity) == (None, None, 0)
