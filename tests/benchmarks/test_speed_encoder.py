from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from spacy_trax_sentiment import Settings, load, save, train
from spacy_trax_sentiment.pipelines import find_component

PEERS = ("vaderSentiment", "textblob", "spacytextblob")
TEXTS = ["good film", "not a good film, it was awful", "the film", "i love it"] * 4


@pytest.fixture
def speed_encoder(benchmark_module: Callable[..., ModuleType]) -> ModuleType:
    return benchmark_module("speed_encoder", *PEERS)


@pytest.fixture
def encoder_peers(benchmark_module: Callable[..., ModuleType]) -> ModuleType:
    return benchmark_module("encoder_peers", *PEERS, "tokenizers", "onnxruntime")


@pytest.fixture(scope="module")
def tiny(tiny_encoder: dict[str, Any], require_trax: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The directory of an encoder that was hardly trained."""
    settings = Settings(steps=1, batch_size=4, ids_per_batch=64, balanced=False, model=tiny_encoder)
    directory = tmp_path_factory.mktemp("encoder") / "model"
    save(train(TEXTS, ["positive", "negative", "negative", "positive"] * 4, settings=settings).nlp, directory)
    return str(directory)


def test_a_sample_keeps_the_order_and_is_the_same_each_time(speed_encoder: ModuleType) -> None:
    texts = [f"{i:03}" for i in range(500)]
    drawn = speed_encoder.sample(texts, 50)
    assert len(set(drawn)) == 50
    assert drawn == sorted(drawn) == speed_encoder.sample(texts, 50)
    assert speed_encoder.sample(texts, 500) == texts


def test_a_slow_round_slows_both_of_a_ratio(speed_encoder: ModuleType) -> None:
    measured = {"one": [1.0, 10.0, 1.0], "other": [2.0, 20.0, 4.0]}
    assert speed_encoder.times_as_fast(measured, "one", "other") == 2


def test_special_pieces_have_the_names_that_bert_gives_them(encoder_peers: ModuleType) -> None:
    vocabulary = encoder_peers.bert_vocabulary({"__PAD__": 0, "__</e>__": 1, "__UNK__": 2, "[CLS]": 3, "good": 4})
    assert vocabulary == {"[PAD]": 0, "[SEP]": 1, "[UNK]": 2, "[CLS]": 3, "good": 4}


def test_what_is_made_by_hand_scores_as_ours(encoder_peers: ModuleType, tiny: str) -> None:
    nlp = encoder_peers.encoder_of(tiny)
    contenders = encoder_peers.encoder_contenders(nlp, TEXTS)
    ours, by_hand, piped = (contenders[name] for name in (encoder_peers.SCORER, encoder_peers.LOOP, encoder_peers.OURS))
    np.testing.assert_allclose(by_hand.probabilities, ours.probabilities, atol=1e-5)
    np.testing.assert_allclose(piped.probabilities, ours.probabilities, atol=1e-5)
    assert ours.ids >= by_hand.ids  # with padding
    found = np.concatenate(contenders[encoder_peers.ALONE].score(TEXTS))
    np.testing.assert_allclose(np.sort(np.exp(found[:, 0])), np.sort(ours.probabilities[:, 0]), atol=1e-5)


def test_an_additive_model_is_no_encoder(encoder_peers: ModuleType) -> None:
    assert encoder_peers.encoder_of("en") is None


def test_integrated_gradients_are_recorded_and_complete(benchmark_module: Callable[..., ModuleType], tiny: str) -> None:
    explanations = benchmark_module("explanations_encoder")
    (bound,) = explanations.measure_encoder(load(tiny), TEXTS[:2])
    assert bound.met
    assert bound.measured > 0


def test_recording_leaves_the_scores_as_they_are(encoder_peers: ModuleType, tiny: str) -> None:
    nlp = load(tiny)
    docs = list(nlp.tokenizer.pipe(TEXTS))
    before = find_component(nlp).predict(docs)
    with encoder_peers.recorded_batches() as batches:
        np.testing.assert_array_equal(find_component(nlp).predict(docs), before)
    assert sum(map(len, batches)) == len(TEXTS)
