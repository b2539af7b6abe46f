"""The weights that the package carries."""

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.training import Example

from spacy_trax_sentiment import TextScorer
from spacy_trax_sentiment.component import TraxSentiment
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.pipelines import find_component, load
from spacy_trax_sentiment.pretrained import pretrained_path
from spacy_trax_sentiment.storage.whole import MANIFEST
from spacy_trax_sentiment.training.recipes import read_recipe

MOST_BYTES = {"en": 5_000_000, "en_ternary": 5_000_000, "en_trf": 25_000_000}
CASES = Path(__file__).parent / "data" / "cases.jsonl"
CONTRAST = Path(__file__).parent / "data" / "contrast.jsonl"
SENTENCES = {
    "This movie was almost good.": "negative",
    "I am not happy": "negative",
    "not bad at all": "positive",
    "It's such a nice day, think i'll be taking Sid to Ramsgate fish and chips for lunch at Peter's fish factory and "
    "then the beach maybe": "positive",
    "I hated my day, it was the worst, I'm so sad.": "negative",
    "What a wonderful day, I love it": "positive",
    "The parcel came late and was broken": "negative",
}


def _pipeline(**config: object) -> spacy.language.Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config=config)
    return nlp


@pytest.fixture(scope="module")
def bundled() -> spacy.language.Language:
    """A pipeline as a new user makes it. Tests must not change it."""
    return _pipeline()


def _label(cats: dict[str, float]) -> str:
    return max(cats, key=cats.__getitem__)


@pytest.mark.parametrize(("text", "label"), SENTENCES.items())
def test_the_component_is_right_without_training(bundled: spacy.language.Language, text: str, label: str) -> None:
    assert _label(bundled(text).cats) == label


@pytest.mark.parametrize("name", MOST_BYTES)
def test_they_are_small_and_have_the_labels_of_their_recipes(name: str) -> None:
    directory = pretrained_path(name)
    assert sum(path.stat().st_size for path in directory.iterdir()) <= MOST_BYTES[name]
    assert json.loads((directory / MANIFEST).read_bytes())["labels"] == read_recipe(name).labels
    assert list(_pipeline(pretrained=name)("fine").cats) == read_recipe(name).labels


def test_the_cascade_names_two_of_them_and_copies_none() -> None:
    directory = pretrained_path("en_auto")
    assert sum(path.stat().st_size for path in directory.iterdir()) < 2_000
    assert {text: _label(load("en_auto")(text).cats) for text in READ} == READ


def test_three_labels_recognize_neutral_texts() -> None:
    nlp = _pipeline(pretrained="en_ternary")
    assert _label(nlp("The meeting is on Tuesday at the town hall").cats) == "neutral"
    assert _label(nlp("I love this so much, what a great day!").cats) == "positive"
    assert _label(nlp("I hate this, worst day ever").cats) == "negative"
    assert _label(nlp("I am not happy").cats) == "negative"
    assert _label(nlp("not bad at all").cats) == "positive"
    assert _label(nlp("A dull, lifeless film that wastes its cast.").cats) == "negative"
    assert _label(nlp("A moving film, beautifully acted and full of wit.").cats) == "positive"


READ = {
    "This is not a frustrating aircraft.": "positive",
    "I thought it would be awful, but it wasn't.": "positive",
    "I thought it would be great, but it wasn't.": "negative",
    "I used to love it, now I can't stand it.": "negative",
    "The critics hated it, I loved it.": "positive",
    "Is the museum open on Mondays?": "neutral",
    "My neighbour is Jewish.": "neutral",
    "great 😍": "positive",
}


def test_the_encoder_reads_what_a_sum_cannot() -> None:
    nlp = load("en_trf")
    assert {text: _label(nlp(text).cats) for text in READ} == READ
    cases = [json.loads(line) for line in CASES.read_text("utf8").splitlines()]
    predicted = TextScorer(nlp).predict([case["text"] for case in cases])
    assert np.mean([case["label"] == label for case, label in zip(cases, predicted, strict=True)]) >= 0.78


def test_the_encoder_needs_no_gradients_for_a_label(monkeypatch: pytest.MonkeyPatch) -> None:
    doc: Any = load("en_trf")("I thought it would be awful, but it wasn't.")
    whole = doc._.sentiment
    assert whole.contributions.sum() == pytest.approx(0, abs=1e-6)
    total = whole.contributions.sum(axis=0) + whole.bias
    assert total[2] - total[0] == pytest.approx(whole.log_odds, abs=1e-3)
    monkeypatch.setattr("spacy_trax_sentiment.explanation.integrated_gradients.integrated_gradients", None)
    assert doc._.sentiment.label == whole.label == "positive"
    assert doc._.sentiment.probabilities == pytest.approx(doc.cats, abs=1e-6)


def test_a_span_without_evidence_has_the_prior() -> None:
    doc: Any = load("en_trf", labels=["negative", "positive"])("I love @user and 12345")
    assert (doc[1:2]._.sentiment.label, doc[2:3]._.sentiment.label) == ("positive", None)
    nothing = doc[2:3]._.sentiment
    assert (nothing.log_odds, nothing.polarity) == pytest.approx((0, 0))
    np.testing.assert_allclose(nothing.contributions.sum(axis=0) + nothing.bias, 0, atol=1e-9)


def test_the_encoder_is_served_without_trax_from_its_name() -> None:
    code = (
        "import sys, spacy, spacy_trax_sentiment as s\n"
        "nlp = spacy.blank('en'); nlp.add_pipe('trax_sentiment', config={'pretrained': 'en_trf'})\n"
        "doc = nlp('not bad at all'); assert doc.cats['positive'] > 0.5, doc.cats\n"
        "assert abs(s.TextScorer.load('en_trf')(['not bad at all'])[0, 2] - doc.cats['positive']) < 1e-5\n"
        "total = doc._.sentiment.contributions.sum(axis=0) + doc._.sentiment.bias\n"
        "assert abs(total[2] - total[0] - doc._.sentiment.log_odds) < 1e-2\n"
        "assert not {'trax', 'jax', 'tensorflow', 'torch', 'transformers'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_text_without_known_terms_scores_one_half(bundled: spacy.language.Language) -> None:
    assert bundled("").cats == {"negative": 0.5, "positive": 0.5}


def test_contrasts_are_recognized_better_than_by_chance(bundled: spacy.language.Language) -> None:
    rows = [json.loads(line) for line in CONTRAST.read_text("utf8").splitlines()]
    docs = bundled.pipe(row["text"] for row in rows)
    assert sum(_label(doc.cats) == row["label"] for doc, row in zip(docs, rows, strict=True)) > 0.7 * len(rows)


def test_weights_are_loaded_once_and_only_when_they_are_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundled: spacy.language.Language
) -> None:
    bundled.to_disk(tmp_path)
    loaded = []
    from_disk = TraxSentiment.from_disk

    def counted(self: TraxSentiment, path: str | Path, **options: object) -> TraxSentiment:
        loaded.append(Path(path))
        return from_disk(self, path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(TraxSentiment, "from_disk", counted)
    nlp = spacy.load(tmp_path)
    assert nlp("I am not happy").cats == bundled("I am not happy").cats
    assert loaded == [tmp_path / "trax_sentiment"]
    fresh = _pipeline()
    assert len(loaded) == 1
    fresh("good")
    assert loaded[1:] == [pretrained_path("en")]


@pytest.mark.usefixtures("require_trax")
def test_they_can_be_trained_further(bundled: spacy.language.Language) -> None:
    nlp = _pipeline()
    data = [("wibble wobble", "negative"), ("quux quuux", "positive"), ("sick beat", "positive")]
    examples = [
        Example.from_dict(nlp.make_doc(text), {"cats": {label: 1.0, other: 0.0}})
        for text, label in data
        for other in {"negative", "positive"} - {label}
    ]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.05
    before = nlp("sick beat").cats["positive"]
    assert before == pytest.approx(bundled("sick beat").cats["positive"], abs=1e-6)
    for _ in range(20):
        nlp.update(examples, sgd=optimizer)
    assert nlp("sick beat").cats["positive"] > before
    with pytest.raises(SentimentError, match="S037"):
        nlp.initialize(lambda: [Example.from_dict(nlp.make_doc("a"), {"cats": {"other": 1.0}})])


def test_scorers_and_saved_pipelines_give_the_same(bundled: spacy.language.Language, tmp_path: Path) -> None:
    texts = [*SENTENCES, "", "😍😍 soooo good!!!", "@you http://a.b nothing :("]
    expected = [list(doc.cats.values()) for doc in bundled.pipe(texts)]
    np.testing.assert_allclose(TextScorer.load()(texts), expected, atol=1e-6)
    np.testing.assert_allclose(TextScorer.load("en")(texts), expected, atol=1e-6)
    copy = _pipeline().from_bytes(bundled.to_bytes())
    assert [list(doc.cats.values()) for doc in copy.pipe(texts)] == expected
    assert find_component(copy).labels == ("negative", "positive")


def test_a_directory_that_is_called_like_a_bundled_model_needs_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: spacy.language.Language
) -> None:
    trained.to_disk(tmp_path / "en")
    monkeypatch.chdir(tmp_path)
    assert _pipeline(pretrained="./en")("good").cats == trained("good").cats
    assert _pipeline(pretrained="en")("good").cats == _pipeline()("good").cats != trained("good").cats
    assert load("en")("good").cats == _pipeline()("good").cats


@pytest.mark.parametrize("name", ["en_quaternary", "en_ternery", "en-ternary", "en_tfr"])
def test_a_misspelt_name_is_refused_when_it_is_added(name: str) -> None:
    with pytest.raises(SentimentError, match=f"S036.*{name}: no such pretrained weights. Did you mean en_t"):
        _pipeline(pretrained=name)


def test_another_unknown_name_is_refused_when_it_is_used() -> None:
    nlp = _pipeline(pretrained="mine")
    with pytest.raises(SentimentError, match="S036.*mine"):
        nlp("good")


def test_a_saved_pipeline_loads_without_the_directory_whose_name_is_much_like_a_bundled_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _pipeline().to_disk("en_ternery")
    nlp = _pipeline(pretrained="en_ternery")
    nlp.to_disk("saved")
    shutil.rmtree("en_ternery")
    assert spacy.load("saved")("good").cats == nlp("good").cats


def test_threads_may_share_a_pipeline_that_is_not_loaded_yet() -> None:
    texts = list(SENTENCES) * 8
    nlp = _pipeline()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: nlp(text).cats, texts))
    expected = _pipeline()
    assert found == [expected(text).cats for text in texts]
