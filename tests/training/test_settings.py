from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from hypothesis import given as given_values
from hypothesis import strategies as st

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.training.settings import PRESETS, Settings, fit_settings


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"steps": 0}, "S021.*steps is 0; it must be greater than or equal to 1"),
        ({"steps": "many"}, "S021.*steps is many; it must be a valid integer"),
        ({"embedding_dim": -1}, "S021.*embedding_dim is -1"),
        ({"learning_rate": float("nan")}, "S021.*learning_rate is nan; it must be a finite number"),
        ({"learning_rate": 0}, "S021.*learning_rate is 0; it must be greater than 0"),
        ({"batch_size": 0}, "S021.*batch_size is 0; it must be greater than or equal to 1"),
        ({"seed": -1}, "S021.*seed is -1"),
        ({"seed": 1 << 31}, "S021.*seed is 2147483648; it must be less than 2147483648"),
        ({"penalty": -1.0}, "S021.*penalty is -1"),
        ({"mean": "median"}, "S021.*mean is median; it must be 'masked' or 'plain'"),
    ],
)
def test_a_value_out_of_range_is_refused_in_one_line(given: dict[str, Any], message: str) -> None:
    with pytest.raises(SentimentError, match=message) as caught:
        Settings(**given)
    assert "\n" not in str(caught.value)
    with pytest.raises(SentimentError, match=message):
        replace(PRESETS["seed"], **given)


def test_an_unknown_setting_is_refused_like_any_unknown_argument() -> None:
    with pytest.raises(TypeError, match="unknown setting 'stepz'; there are: balanced, batch_size"):
        Settings(stepz=1)  # type: ignore[call-arg]


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().steps = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"penalty": 0.1}, "S021.*penalty is 0.1.*embedding_scale"),
        ({"penalty": 0.1, "embedding_scale": 0.0}, "S021.*embedding_dim.*number of labels, 2"),
        ({"penalty": 0.1, "embedding_scale": 0.0, "embedding_dim": 2}, "S021.*row_steps"),
        ({"data_parallel": True}, "S021.*data_parallel is True; it must be False if row_steps is True"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(SentimentError, match=message):
        fit_settings(Settings(**given), 2)


def test_settings_that_fit_together_pass() -> None:
    settings = Settings(data_parallel=True, row_steps=False)
    assert fit_settings(settings, 2) == settings
    fit_settings(Settings(batch_size=15, balanced=False), 2)
    fit_settings(Settings(penalty=0.1, embedding_scale=0.0, embedding_dim=3, batch_size=30, row_steps=False), 3)


@given_values(st.integers(1, 600), st.integers(2, 40))
def test_a_balanced_batch_has_the_nearest_size_that_the_labels_can_share(size: int, n_labels: int) -> None:
    fitted = fit_settings(Settings(batch_size=size), n_labels).batch_size
    assert fitted % n_labels == 0
    assert fitted >= n_labels
    assert fitted == n_labels or abs(fitted - size) <= n_labels / 2
    assert fit_settings(Settings(batch_size=size, balanced=False), n_labels).batch_size == size


def test_batches_of_any_number_of_texts_cannot_be_split_over_devices() -> None:
    with pytest.raises(SentimentError, match="S021.*ids_per_batch"):
        fit_settings(Settings(ids_per_batch=64, data_parallel=True, row_steps=False), 2)
