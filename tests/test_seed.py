"""The course notebook's functions, and the figures it prints."""

from importlib.metadata import version
from itertools import islice
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language

from spacy_trax_sentiment import seed as notebook  # pytest would collect its `test_model`
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.seed import (
    build_vocab,
    classifier,
    compute_accuracy,
    data_generator,
    predict,
    train_model,
    tweet_to_tensor,
)
from spacy_trax_sentiment.text.vocabulary import build_vocabulary
from spacy_trax_sentiment.training.labelled import LabelledText

Tweets = tuple[list[LabelledText], list[LabelledText]]

# NLTK 3.10.4 changed its tweet tokenizer.
NEW_TOKENIZER = tuple(map(int, version("nltk").split(".")[:3])) >= (3, 10, 4)


@pytest.fixture(scope="module")
def tweet_vocabulary(tweets: Tweets) -> dict[str, int]:
    return build_vocab(tweet.text for tweet in tweets[0])


def test_the_vocabulary_has_the_notebooks_size(tweet_vocabulary: dict[str, int]) -> None:
    assert len(tweet_vocabulary) == (9086 if NEW_TOKENIZER else 9088)


def test_the_first_validation_tweets_have_the_notebooks_ids(tweets: Tweets, tweet_vocabulary: dict[str, int]) -> None:
    first, second = (tweet_to_tensor(tweet.text, tweet_vocabulary) for tweet in tweets[1][:2])
    assert type(first) is list
    if NEW_TOKENIZER:
        assert first == [
            *(1064, 136, 478, 2351, 744, 8147, 1122, 744, 53, 2, 2671, 790, 2, 2, 348, 600, 2, 3488, 1016, 596),
            *(4558, 9, 1064, 157, 2, 2),
        ]
    else:
        assert first[:6] == [1064, 136, 478, 2351, 744, 8148]
    assert second == [443, 2, 303, 566, 56, 9]


def test_the_generator_gives_the_notebooks_first_batch(tweets: Tweets, tweet_vocabulary: dict[str, int]) -> None:
    texts = [tweet.text for tweet in tweets[0]]
    batches = data_generator(texts[:4000], texts[4000:], batch_size=4, loop=True, vocab_dict=tweet_vocabulary)
    inputs, targets, weights = next(batches)
    assert inputs.shape == (4, 14)
    assert inputs[0].tolist() == [3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 0, 0, 0, 0]
    assert targets.tolist() == [1, 1, 0, 0]
    assert weights.tolist() == [1, 1, 1, 1]


def test_the_generator_pads_to_the_longest_and_shuffles_only_if_asked_to(stop_words_corpus: None) -> None:
    vocabulary = build_vocabulary([["happi", "sad", "movi"]])
    happy, sad = ["happy"] * 3 + ["happy movie"] * 3, ["sad movie"] * 3 + ["sad"] * 3
    batches = list(data_generator(happy, sad, 6, loop=False, vocab_dict=vocabulary))
    assert [inputs.tolist() for inputs, _, _ in batches] == [
        [[3, 0]] * 3 + [[4, 5]] * 3,
        [[3, 5]] * 3 + [[4, 0]] * 3,
    ]
    shuffled = [
        data_generator(happy, sad, 6, False, vocabulary, True, **given) for given in ({}, {"seed": 0}, {"seed": 7})
    ]
    first, same, other = ([inputs.tolist() for inputs, _, _ in batches] for batches in shuffled)
    assert first == same != other
    assert len(list(islice(data_generator(happy, sad, 6, True, vocabulary), 5))) == 5


@pytest.mark.parametrize("batch_size", [0, -2, 1, 3])
def test_an_odd_batch_size_is_refused(batch_size: int) -> None:
    with pytest.raises(SentimentError, match="S020.*positive multiple of 2"):
        data_generator(["a"], ["b"], batch_size, loop=False, vocab_dict={"__UNK__": 2})


@pytest.mark.usefixtures("require_trax")
def test_the_classifier_prints_as_in_the_notebook() -> None:
    assert "".join(str(classifier(9088)).split()) == "Serial[Embedding_9088_256MeanDense_2LogSoftmax]"


@pytest.mark.usefixtures("require_trax")
def test_train_model_trains_a_classifier_that_test_model_measures(capsys: pytest.CaptureFixture[str]) -> None:
    from spacy_trax_sentiment.model.trax_backend import optimizers, tl, training

    def batches() -> Any:
        while True:
            yield np.array([[3], [4]] * 4, np.int32), np.array([1, 0] * 4, np.int32), np.ones(8, np.float32)

    layer = classifier(5, 4)
    optimizer = optimizers.Adam(0.1)
    train_task = training.TrainTask(batches(), tl.WeightedCategoryCrossEntropy(), optimizer, n_steps_per_checkpoint=10)
    eval_task = training.EvalTask(batches(), [tl.WeightedCategoryAccuracy()])
    loop = train_model(layer, train_task, eval_task, 20)
    assert loop.step == 20
    assert notebook.test_model(islice(batches(), 3), loop.eval_model) == 1
    assert capsys.readouterr().out == ""


def test_compute_accuracy_weighs_the_tweets() -> None:
    preds = np.log(np.array([[0.2, 0.8], [0.9, 0.1], [0.4, 0.6], [0.5, 0.5]]))
    accuracy, correct, weights = compute_accuracy(preds, np.array([1, 0, 0, 1]), np.array([3, 1, 2, 1]))
    assert (accuracy, correct, weights) == (np.float32(4 / 7), 4.0, 7.0)  # equal scores are not positive
    assert accuracy.dtype == correct.dtype == np.float32


@pytest.mark.usefixtures("require_trax")
@given(st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_compute_accuracy_equals_trax(n: int, seed: int) -> None:
    from spacy_trax_sentiment.model import trax_backend

    rng = np.random.default_rng(seed)
    preds, y = rng.normal(size=(n, 2)).astype(np.float32), rng.integers(0, 2, size=n)
    weights = rng.uniform(0.5, 2, size=n).astype(np.float32)
    metric = trax_backend.tl.WeightedCategoryAccuracy()
    assert compute_accuracy(preds, y, weights)[0] == pytest.approx(float(metric((preds, y, weights))), abs=1e-6)


def test_the_accuracy_is_nan_if_the_weights_sum_to_0() -> None:
    assert np.isnan(compute_accuracy(np.zeros((1, 2)), np.array([0]), np.array([0]))[0])


def test_test_model_weighs_all_batches_together() -> None:
    def model(inputs: np.ndarray) -> np.ndarray:
        return np.stack([1 - inputs[:, 0], inputs[:, 0]], axis=1)  # positive where the first id is 1

    batches = [
        (np.array([[1], [0]], np.int32), np.array([1, 0], np.int32), np.ones(2, np.float32)),
        (np.array([[1]], np.int32), np.array([0], np.int32), np.full(1, 2, np.float32)),
    ]
    assert notebook.test_model(batches, model) == 0.5


def test_predict_returns_the_number_and_the_name_of_the_label(trained: Language) -> None:
    assert predict("what a wonderful day, I love it", trained) == (1, "positive")
    assert predict("I hated my day, it was the worst, I'm so sad.", trained) == (0, "negative")


CATS = {
    "good": {"negative": 0.2, "positive": 0.8},
    "bad": {"negative": 0.7, "positive": 0.3},
    "even": {"negative": 0.5, "positive": 0.5},
}


def test_predict_calls_equal_probabilities_negative() -> None:
    def nlp(text: str) -> Any:
        return SimpleNamespace(cats=CATS[text])

    assert [predict(text, nlp) for text in CATS] == [(1, "positive"), (0, "negative"), (0, "negative")]
