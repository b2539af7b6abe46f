import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from spacy.language import Language

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.evaluation.figures import measure
from spacy_trax_sentiment.model.parameters import get_weights
from spacy_trax_sentiment.pipelines import find_component, save
from spacy_trax_sentiment.text.labels import DEFAULT_LABELS
from spacy_trax_sentiment.training.labelled import Corpus, LabelledText
from spacy_trax_sentiment.training.progress import Progress
from spacy_trax_sentiment.training.run import Trained, train, train_on
from spacy_trax_sentiment.training.settings import PRESETS, Settings

pytestmark = pytest.mark.slow

Texts = tuple[list[LabelledText], list[LabelledText]]
SMALL = Settings(steps=12, embedding_dim=8)


def train_on_itself(rows: list[tuple[str, str]], settings: Settings, **options: object) -> Trained:
    """Train on texts that are the held-out ones too."""
    texts, labels = zip(*rows, strict=True)
    return train(texts, labels, dev=(texts, labels), settings=settings, **options)


def weights_of(nlp: Language) -> dict[str, np.ndarray]:
    return get_weights(find_component(nlp).model)


def accuracy(nlp: Language, texts: Sequence[LabelledText], labels: Sequence[str] = DEFAULT_LABELS) -> float:
    return float(np.mean(measure(nlp, labels, texts).correct))


def test_training_on_the_bundled_texts_generalizes(trained: Language, short_texts: Texts) -> None:
    assert accuracy(trained, short_texts[1]) > 0.7


def test_two_lists_are_enough() -> None:
    texts = [f"{word} {i}" for i in range(10) for word in ("fine", "poor")]
    labels = ["positive", "negative"] * 10
    trained = train(texts, labels, settings=replace(SMALL, steps=60, batch_size=8))
    assert [text for text, _ in trained.held_out] == ["fine 8", "fine 9", "poor 8", "poor 9"]
    assert tuple(trained.nlp("fine").cats) == DEFAULT_LABELS
    assert accuracy(trained.nlp, trained.held_out) == 1
    assert trained.nlp.meta["trax_sentiment"]["training"]["texts"] == {"negative": 8, "positive": 8}


@pytest.mark.parametrize(
    ("texts", "labels", "dev", "message"),
    [
        ("good bad", ["a", "b"], None, "S050"),
        (["good"], ["a", "b"], None, "S028.*there are 2 for 1 texts"),
        (["good", None], ["a", "b"], None, "S051.*text 1 is None"),
        (["good", "bad"], [1, None], None, "S028.*label 1 is None"),
        (["good"] * 5, ["a"] * 5, None, "S022.*'a'"),
        (["good"] * 9, ["a"] * 5 + ["b"] * 4, None, "S015.*label b.*at least 5"),
        (["good", "bad"], ["a", "b"], (["good"], ["a"]), "S012.*held-out texts: only these labels have texts: a"),
        (["good", "bad"], ["a", "b"], (["good"], ["c"]), "S012.*training texts: only these labels have texts: a, b"),
    ],
)
def test_texts_and_labels_that_cannot_be_used_are_refused(
    texts: list[str], labels: list[str], dev: tuple[list[str], list[str]] | None, message: str
) -> None:
    with pytest.raises(SentimentError, match=message):
        train(texts, labels, dev=dev, settings=SMALL)


def test_training_reports_each_step_and_the_latest_figures(short_texts: Texts) -> None:
    steps: list[Progress] = []
    history = train_on(Corpus(DEFAULT_LABELS, *short_texts), SMALL, on_step=steps.append).history
    assert [progress.step for progress in steps] == list(range(1, 13))
    assert [progress.step for progress in history] == [1, 10]
    assert np.isnan(steps[0].loss)  # the Loop evaluates after step 1
    assert steps[-1][1:] == history[-1][1:]
    assert 0 <= history[-1].dev_accuracy <= 1


def test_the_seed_decides_the_weights_and_leaves_the_global_generators_alone(short_texts: Texts) -> None:
    corpus = Corpus(DEFAULT_LABELS, *short_texts)

    def weights(seed: int) -> dict[str, np.ndarray]:
        return weights_of(train_on(corpus, replace(SMALL, seed=seed)).nlp)

    random.seed(5)
    np.random.seed(5)
    expected = random.random(), np.random.random()
    random.seed(5)
    np.random.seed(5)
    first, again, other = weights(1), weights(1), weights(2)
    assert (random.random(), np.random.random()) == expected
    for name, value in first.items():
        np.testing.assert_array_equal(again[name], value)
    assert np.abs(first["E"] - other["E"]).max() > 1e-3


def test_a_penalty_makes_the_classifier_a_logistic_regression() -> None:
    rows = [("fine", "positive"), ("poor", "negative")] * 3 + [("poor", "positive"), ("fine", "negative")] * 2
    settings = replace(
        SMALL,
        steps=400,
        batch_size=10,
        decay=True,
        embedding_dim=2,
        embedding_scale=0.0,
        penalty=0.1,
        learning_rate=0.1,
        row_steps=False,
    )
    nlp = train_on_itself(rows, settings).nlp
    weights = weights_of(nlp)
    np.testing.assert_array_equal(weights["W"], np.eye(2))
    # At the optimum the penalty's gradient balances that of the mean cross-entropy, (p - y) / n per term.
    model_terms = find_component(nlp).model.attrs["vocabulary"]
    probability = nlp("fine").cats["positive"]
    n_terms = sum(term in model_terms for term in ("fine", "form fine", "opinion +", "valence +1"))
    gradient = (5 * probability - 3) / 10 / n_terms
    assert weights["E"][model_terms["fine"], 1] == pytest.approx(-gradient / 0.1, rel=0.02)
    assert 0.5 < probability < 0.6


def test_a_label_that_the_start_does_not_have_begins_as_even() -> None:
    rows = [(word, label) for word, label in WORDS for _ in "123456"]
    of_two = rows[:12] + [("plain", label) for label in DEFAULT_LABELS]
    two = train_on_itself(of_two, replace(SMALL, steps=60, batch_size=12)).nlp
    before = two("fine").cats
    labels = ("negative", "neutral", "positive")
    settings = replace(SMALL, batch_size=18, steps=1, learning_rate=1e-9)
    start = train_on_itself(rows, settings, init_from=two).nlp("fine").cats
    assert tuple(start) == labels
    assert start["positive"] / start["negative"] == pytest.approx(before["positive"] / before["negative"], rel=1e-4)
    # Its score is 0, before the softmax: between those of the other two, which this embedding makes opposite.
    assert start["negative"] < start["neutral"] < start["positive"]
    three = train_on_itself(rows, replace(settings, steps=200, learning_rate=0.05), init_from=two).nlp
    assert accuracy(three, [LabelledText(*row) for row in rows], labels) == 1


WORDS = [("fine", "positive"), ("poor", "negative"), ("plain", "neutral")]


def test_training_can_start_from_a_directory_or_a_bundled_model(tmp_path: Path, short_texts: Texts) -> None:
    rows = [(label, label) for label in DEFAULT_LABELS] * 4
    settings = replace(SMALL, steps=1, batch_size=8, learning_rate=1e-9, weight_decay=0)
    start = train_on_itself(rows, settings).nlp
    save(start, tmp_path / "m")
    again = train_on_itself(rows, settings, init_from=tmp_path / "m").nlp
    np.testing.assert_allclose(weights_of(again)["E"], weights_of(start)["E"], atol=1e-6)
    assert accuracy(train_on(Corpus(DEFAULT_LABELS, *short_texts), settings, "en").nlp, short_texts[1]) > 0.9


def test_a_start_whose_labels_are_not_among_the_new_ones_is_refused() -> None:
    start = train_on_itself([(label, label) for label in DEFAULT_LABELS] * 2, replace(SMALL, steps=1)).nlp
    with pytest.raises(SentimentError, match="S039.*negative, positive.*negative, neutral"):
        train_on_itself([(label, label) for label in ("negative", "neutral")] * 2, SMALL, init_from=start)


def test_a_penalty_pulls_towards_the_start() -> None:
    rows = [("fine", "positive"), ("poor", "negative")] * 5
    settings = replace(
        SMALL, steps=100, batch_size=10, learning_rate=0.1, embedding_dim=2, embedding_scale=0.0, row_steps=False
    )
    start = weights_of(train_on_itself(rows, settings).nlp)["E"].copy()
    assert np.abs(start).max() > 1
    swapped = [(text, "negative" if label == "positive" else "positive") for text, label in rows]
    moved = {}
    for penalty in (1e-6, 100.0):
        of_start = replace(settings, penalty=penalty, steps=200, decay=True)
        again = train_on_itself(rows, settings).nlp
        train_on_itself(swapped, of_start, init_from=again)
        moved[penalty] = np.abs(weights_of(again)["E"] - start).max()
    assert moved[100.0] < 0.01 < 1 < moved[1e-6]


def test_any_labels_can_be_learned_in_any_order() -> None:
    labels = ("low", "middle", "high")
    texts = [LabelledText(f"{label} {i % 3}", label) for label in labels for i in range(10)]
    nlp = train_on(Corpus(labels, texts, texts), replace(SMALL, steps=60, batch_size=9)).nlp
    assert accuracy(nlp, texts, labels) == 1
    assert tuple(nlp("middle").cats) == labels


def test_unbalanced_batches_learn_the_prior() -> None:
    rows = [("thing", "positive")] * 9 + [("thing", "negative")]
    settings = replace(SMALL, steps=200, balanced=False, batch_size=10)
    assert train_on_itself(rows, settings).nlp("thing").cats["positive"] == pytest.approx(0.9, abs=0.03)


def test_a_loss_that_is_not_finite_ends_the_run(short_texts: Texts) -> None:
    steps: list[Progress] = []
    settings = replace(SMALL, learning_rate=1e30, steps=500)
    with pytest.raises(SentimentError, match="S041.*(nan|inf).*learning rate"):
        train_on(Corpus(DEFAULT_LABELS, *short_texts), settings, on_step=steps.append)
    assert len(steps) < 20


def test_the_seed_preset_reaches_the_seeds_accuracy(tweets: Texts) -> None:
    nlp = train_on(Corpus(DEFAULT_LABELS, *tweets), PRESETS["seed"]).nlp
    assert accuracy(nlp, tweets[1]) >= 0.99
    assert find_component(nlp).model.attrs["mean"] == "plain"


def test_three_labels_that_are_numbers_train_with_the_default_batch_size() -> None:
    texts = [f"{word} {i}" for i in range(10) for word in ("bad", "plain", "good")]
    trained = train(texts, [1, 2, 10] * 10, settings=replace(SMALL, steps=60))
    assert tuple(trained.nlp("good").cats) == ("1", "2", "10")
    assert trained.nlp.meta["trax_sentiment"]["training"]["settings"]["batch_size"] == 33
    assert accuracy(trained.nlp, trained.held_out, ("1", "2", "10")) == 1


def test_a_text_of_another_label_teaches_even_probabilities_also_in_batches_of_like_lengths() -> None:
    texts = [LabelledText(f"{word} {i}", word) for i in range(20) for word in ("down", "up", "sideways")]
    corpus = Corpus(("down", "up"), texts, texts[:2], weights=[1.0] * len(texts))
    settings = Settings(steps=150, batch_size=9, ids_per_batch=64, balanced=False)
    cats = {word: train_on(corpus, settings).nlp(word).cats["up"] for word in ("up", "down", "sideways")}
    assert cats["up"] > 0.8
    assert cats["down"] < 0.2
    assert 0.35 < cats["sideways"] < 0.65


def test_batches_of_like_lengths_are_balanced_too() -> None:
    texts = [LabelledText(f"{'so ' * (i % 4)}{i}", "down") for i in range(40)] + [LabelledText("so 41", "up")]
    settings = Settings(steps=100, batch_size=8, ids_per_batch=64, learning_rate=0.003)
    cats = train_on(Corpus(("down", "up"), texts, texts[-2:]), settings).nlp("so").cats
    assert cats["up"] > 0.25  # the share of its texts is 0.02


def test_a_setting_that_does_not_suit_the_layer_is_refused_before_training() -> None:
    layer = {"@misc": "spacy_trax_sentiment.Convolution.v1", "embedding_dim": 8, "filters": 8}
    preprocessor = {"@misc": "spacy_trax_sentiment.SentimentTerms.v1"}
    model = {"@architectures": "spacy_trax_sentiment.TraxLayer.v1", "layer": layer, "preprocessor": preprocessor}
    for name, value in (("calibrate", True), ("max_ids", 8)):
        with pytest.raises(SentimentError, match=f"S021.*{name} is {value}; it must be (False|0) for a layer"):
            train_on_itself([("fine", "up"), ("poor", "down")], Settings(model=model, **{name: value}))


def test_held_out_texts_that_are_training_texts_are_not_measured() -> None:
    texts, labels = ["fine", "poor", "nice", "bad"], ["positive", "negative"] * 2
    dev = (["fine", "lovely", " bad ", "awful"], ["positive", "positive", "negative", "negative"])
    trained = train(texts, labels, dev=dev, settings=replace(SMALL, steps=1))
    assert [text.text for text in trained.held_out] == ["lovely", "awful"]


def test_spellings_of_a_label_are_one() -> None:
    texts = [f"{word} {i}" for i in range(10) for word in ("fine", "poor")]
    trained = train(texts, ["Positive", "negative", "positive", "Negative"] * 5, settings=replace(SMALL, steps=2))
    assert tuple(trained.nlp("fine").cats) == DEFAULT_LABELS
    assert {label for _, label in trained.held_out} == set(DEFAULT_LABELS)
