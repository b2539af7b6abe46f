import random
from dataclasses import replace

import numpy as np
import pytest
from spacy.language import Language
from spacy_trax_sentiment.training.loop import train

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.evaluation.figures import measure
from spacy_trax_sentiment.model.parameters import get_weights
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.training.labelled import DEFAULT_LABELS, LabelledText
from spacy_trax_sentiment.training.progress import Progress
from spacy_trax_sentiment.training.settings import PRESETS, Settings, check_settings

pytestmark = pytest.mark.slow

Texts = tuple[list[LabelledText], list[LabelledText]]
SMALL = replace(PRESETS["default"], steps=12, embedding_dim=8)


def test_training_on_the_bundled_texts_generalizes(trained: Language, short_texts: Texts) -> None:
    assert measure(trained, DEFAULT_LABELS, short_texts[1]).accuracy > 0.7


def test_training_reports_each_step_and_the_latest_figures(short_texts: Texts) -> None:
    steps: list[Progress] = []
    history = train(*short_texts, DEFAULT_LABELS, SMALL, steps.append).history
    assert [progress.step for progress in steps] == list(range(1, 13))
    assert [progress.step for progress in history] == [1, 10]
    assert np.isnan(steps[0].loss)  # the Loop evaluates after step 1
    assert steps[-1][1:] == history[-1][1:]
    assert 0 <= history[-1].dev_accuracy <= 1


def test_the_seed_decides_the_weights_and_leaves_the_global_generators_alone(short_texts: Texts) -> None:
    def weights(seed: int) -> dict[str, np.ndarray]:
        nlp = train(*short_texts, DEFAULT_LABELS, replace(SMALL, seed=seed)).nlp
        return get_weights(find_component(nlp).model)

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


def test_a_penalty_makes_it_a_logistic_regression(short_texts: Texts) -> None:
    texts = [LabelledText(words, label) for words, label in [("fine", "positive"), ("poor", "negative")] for _ in "123"]
    texts += [LabelledText("poor", "positive")] * 2 + [LabelledText("fine", "negative")] * 2
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
    nlp = train(texts, texts, DEFAULT_LABELS, settings).nlp
    weights = get_weights(find_component(nlp).model)
    np.testing.assert_array_equal(weights["W"], np.eye(2))
    # At the optimum the penalty's gradient balances that of the mean cross-entropy, (p - y) / n of each term.
    model_terms = find_component(nlp).model.attrs["vocabulary"]
    probability = nlp("fine").cats["positive"]
    n_terms = sum(term in model_terms for term in ("fine", "form fine", "opinion +", "valence +1"))
    gradient = (5 * probability - 3) / 10 / n_terms
    assert weights["E"][model_terms["fine"], 1] == pytest.approx(-gradient / 0.1, rel=0.02)
    assert 0.5 < probability < 0.6


def test_a_label_that_the_start_does_not_have_begins_as_even() -> None:
    words = [("fine", "positive"), ("poor", "negative"), ("plain", "neutral")]
    texts = [LabelledText(word, label) for word, label in words for _ in "123456"]
    of_two = texts[:12] + [LabelledText("plain", label) for label in DEFAULT_LABELS]
    two = train(of_two, of_two, DEFAULT_LABELS, replace(SMALL, steps=60, batch_size=12)).nlp
    before = two("fine").cats
    labels = ("negative", "neutral", "positive")
    settings = replace(SMALL, batch_size=18, steps=1, learning_rate=1e-9)
    start = train(texts, texts, labels, settings, init_from=two).nlp("fine").cats
    assert tuple(start) == labels
    assert start["positive"] / start["negative"] == pytest.approx(before["positive"] / before["negative"], rel=1e-4)
    # Its score is 0, before the softmax: between those of the other two, which this embedding makes opposite.
    assert start["negative"] < start["neutral"] < start["positive"]
    three = train(texts, texts, labels, replace(settings, steps=200, learning_rate=0.05), init_from=two).nlp
    assert measure(three, labels, texts).accuracy == 1


def test_a_start_whose_labels_are_not_among_the_new_ones_is_refused() -> None:
    texts = [LabelledText(label, label) for label in DEFAULT_LABELS] * 2
    start = train(texts, texts, DEFAULT_LABELS, replace(SMALL, steps=1)).nlp
    others = [LabelledText(label, label) for label in ("negative", "neutral")] * 2
    with pytest.raises(SentimentError, match="S039.*negative, positive.*negative, neutral"):
        train(others, others, ("negative", "neutral"), SMALL, init_from=start)


def test_a_penalty_pulls_towards_the_start() -> None:
    texts = [LabelledText("fine", "positive"), LabelledText("poor", "negative")] * 5
    settings = replace(
        SMALL, steps=100, batch_size=10, learning_rate=0.1, embedding_dim=2, embedding_scale=0.0, row_steps=False
    )
    nlp = train(texts, texts, DEFAULT_LABELS, settings).nlp
    start = get_weights(find_component(nlp).model)["E"].copy()
    assert np.abs(start).max() > 1
    swapped = [LabelledText(text, "negative" if label == "positive" else "positive") for text, label in texts]
    moved = {}
    for penalty in (1e-6, 100.0):
        of_start = replace(settings, penalty=penalty, steps=200, decay=True)
        again = train(texts, texts, DEFAULT_LABELS, settings).nlp
        train(swapped, swapped, DEFAULT_LABELS, of_start, init_from=again)
        moved[penalty] = np.abs(get_weights(find_component(again).model)["E"] - start).max()
    assert moved[100.0] < 0.01 < 1 < moved[1e-6]


def test_any_label_set_can_be_learned() -> None:
    labels = ("low", "middle", "high")
    texts = [LabelledText(f"{label} {i % 3}", label) for label in labels for i in range(10)]
    nlp = train(texts, texts, labels, replace(SMALL, steps=60, batch_size=9)).nlp
    assert measure(nlp, labels, texts).accuracy == 1
    assert tuple(nlp("middle").cats) == labels


def test_unbalanced_batches_learn_the_prior() -> None:
    texts = [LabelledText("thing", "positive")] * 9 + [LabelledText("thing", "negative")]
    settings = replace(SMALL, steps=200, balanced=False, batch_size=10)
    assert train(texts, texts, DEFAULT_LABELS, settings).nlp("thing").cats["positive"] == pytest.approx(0.9, abs=0.03)


def test_a_loss_that_is_not_finite_ends_the_run(short_texts: Texts) -> None:
    steps: list[Progress] = []
    with pytest.raises(SentimentError, match="S041.*(nan|inf).*learning rate"):
        train(*short_texts, DEFAULT_LABELS, replace(SMALL, learning_rate=1e30, steps=500), steps.append)
    assert len(steps) < 20


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (replace(SMALL, batch_size=15), "S020.*15 is not a positive multiple of 2"),
        (replace(SMALL, batch_size=0), "S020.*batch size 0"),
        (replace(SMALL, batch_size=0, balanced=False), "S020.*batch size 0 is not positive"),
        (replace(SMALL, steps=0), "S021.*steps is 0"),
        (replace(SMALL, embedding_dim=-1), "S021.*embedding_dim is -1"),
        (replace(SMALL, learning_rate=float("nan")), "S021.*learning_rate is nan"),
        (replace(SMALL, seed=-1), "S021.*seed is -1"),
        (replace(SMALL, penalty=-1.0), "S021.*penalty is -1"),
        (replace(SMALL, penalty=0.1), "S021.*penalty is 0.1.*embedding_scale"),
        (replace(SMALL, penalty=0.1, embedding_scale=0.0), "S021.*embedding_dim.*number of labels, 2"),
        (replace(SMALL, penalty=0.1, embedding_scale=0.0, embedding_dim=2), "S021.*row_steps"),
    ],
)
def test_settings_out_of_range_are_refused(settings: Settings, message: str) -> None:
    with pytest.raises(SentimentError, match=message):
        check_settings(settings, 2)


def test_texts_of_one_label_are_refused(short_texts: Texts) -> None:
    positive = [text for text in short_texts[0] if text.label == "positive"]
    with pytest.raises(SentimentError, match="S012.*training texts"):
        train(positive, short_texts[1], DEFAULT_LABELS, SMALL)
    with pytest.raises(SentimentError, match="S012.*held-out"):
        train(short_texts[0], positive, DEFAULT_LABELS, SMALL)


def test_seed_preset_reaches_the_seeds_accuracy(tweets: Texts) -> None:
    nlp = train(*tweets, DEFAULT_LABELS, PRESETS["seed"]).nlp
    assert measure(nlp, DEFAULT_LABELS, tweets[1]).accuracy >= 0.99
    assert find_component(nlp).model.attrs["mean"] == "plain"
