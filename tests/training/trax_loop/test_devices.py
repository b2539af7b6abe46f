"""Two devices that JAX simulates on one processor. It does so at its start, so the training runs in another process."""

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from spacy_trax_sentiment.errors import SentimentError

pytestmark = pytest.mark.slow


PROGRAM = """
import json, logging, os, signal, sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from spacy_trax_sentiment.errors import SentimentError, TrainingInterrupted
from spacy_trax_sentiment.model.parameters import get_weights
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.training.checkpoints import open_checkpoints
from spacy_trax_sentiment.training.corpora import read_corpus
from spacy_trax_sentiment.training.run import train_on
from spacy_trax_sentiment.training.settings import Settings

logging.basicConfig(format="%(levelname)s %(message)s")
signal.signal(signal.SIGINT, signal.default_int_handler)
output = Path(sys.argv[1])
corpus = read_corpus("bundled:short_texts")
first = Settings(steps=12, embedding_dim=4, n_eval_batches=1, row_steps=False)
shared = replace(first, data_parallel=True)

def run(settings, on_step=None, checkpoints=None):
    trained = train_on(corpus, settings, on_step=on_step, checkpoints=checkpoints)
    weights = get_weights(find_component(trained.nlp).model)
    return {"history": trained.history, "weights": {name: value.tolist() for name, value in weights.items()}}

def interrupt(progress):
    if progress.step == 7:
        os.kill(os.getpid(), signal.SIGINT)

found = {"shared": run(shared), "first": run(first)}
with suppress(TrainingInterrupted), open_checkpoints(output) as checkpoints:
    run(shared, interrupt, checkpoints)
with open_checkpoints(output, resume=True) as checkpoints:
    found["resumed"] = run(shared, None, checkpoints) | {"went_on": output.with_name("m.checkpoint").is_dir()}
try:
    run(replace(shared, batch_size=31, balanced=False))
except SentimentError as error:
    found["error"] = str(error)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def trained(require_trax: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """The results of the training runs, and what they logged."""
    flags = "--xla_force_host_platform_device_count=2 --xla_cpu_multi_thread_eigen=false"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, str(tmp_path_factory.mktemp("devices") / "m")],
        env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout), done.stderr


def test_devices_that_share_batches_find_the_weights_of_a_single_one(trained: tuple[dict[str, Any], str]) -> None:
    found, _ = trained
    np.testing.assert_allclose(found["shared"]["history"], found["first"]["history"], rtol=1e-4)
    for name, value in found["first"]["weights"].items():
        np.testing.assert_allclose(found["shared"]["weights"][name], value, atol=1e-4, err_msg=name)
    assert found["shared"]["weights"] != found["first"]["weights"]  # they add up in another order


def test_devices_that_share_batches_resume_where_they_were_interrupted(trained: tuple[dict[str, Any], str]) -> None:
    found, _ = trained
    assert found["resumed"]["went_on"]
    assert found["resumed"]["weights"] == found["shared"]["weights"]


def test_a_single_warning_says_that_one_of_two_devices_trains(trained: tuple[dict[str, Any], str]) -> None:
    _, logged = trained
    assert logged.count("WARNING JAX sees 2 devices; the first one trains. --data-parallel trains on all.") == 1


def test_a_batch_that_devices_cannot_share_is_refused(trained: tuple[dict[str, Any], str]) -> None:
    found, _ = trained
    assert "[S021] batch_size is 31; it must be a multiple of the number of devices, 2." in found["error"]


def test_a_jax_without_data_parallelism_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from spacy_trax_sentiment.model.trax_backend import jax
    from spacy_trax_sentiment.training.trax_loop.devices import devices

    monkeypatch.setattr(jax, "local_device_count", lambda: 2)
    monkeypatch.delattr(jax, "pmap", raising=False)
    with pytest.raises(SentimentError, match=r"S048.*jax\.pmap"), devices(data_parallel=True):
        pass
