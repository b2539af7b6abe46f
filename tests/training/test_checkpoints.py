import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spacy.language import Language

from spacy_trax_sentiment.errors import SentimentError, TrainingInterrupted
from spacy_trax_sentiment.model.parameters import get_weights
from spacy_trax_sentiment.pipelines import find_component, load
from spacy_trax_sentiment.storage.sealed import manifest
from spacy_trax_sentiment.text.labels import DEFAULT_LABELS
from spacy_trax_sentiment.training.checkpoints import Checkpoint, open_checkpoints
from spacy_trax_sentiment.training.labelled import Corpus, LabelledText
from spacy_trax_sentiment.training.progress import Progress
from spacy_trax_sentiment.training.run import train, train_on
from spacy_trax_sentiment.training.settings import Settings

pytestmark = pytest.mark.slow

Texts = tuple[list[LabelledText], list[LabelledText]]
SMALL = Settings(steps=25, embedding_dim=4, n_eval_batches=2)
FACTS = {"seed": 1, "the training texts": "ab12"}


def assert_same_weights(one: Language, other: Language) -> None:
    expected = get_weights(find_component(one).model)
    found = get_weights(find_component(other).model)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def checkpoint(step: int, **arrays: Any) -> Checkpoint:
    return Checkpoint(step, FACTS, {"history": []}, arrays or {"a": np.arange(step, dtype=np.float32)})


def leave(output: Path, step: int = 3) -> Path:
    """Leave a checkpoint as an interrupted run does, and return its directory."""
    with suppress(TrainingInterrupted), open_checkpoints(output) as checkpoints:
        checkpoints.save(checkpoint(step))
        raise TrainingInterrupted
    (directory,) = checkpoints.saved()
    return directory


@pytest.fixture
def heeds_interrupts() -> Iterator[None]:
    """Handle Ctrl-C as in a terminal; a process that a shell starts in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    "settings",
    [SMALL, replace(SMALL, row_steps=False, decay=True, balanced=False, dropout=0.3)],
    ids=["by rows", "whole table, with dropout"],
)
def test_a_resumed_run_gives_the_weights_of_an_uninterrupted_one(
    short_texts: Texts, tmp_path: Path, settings: Settings, heeds_interrupts: None
) -> None:
    corpus = Corpus(DEFAULT_LABELS, *short_texts)
    whole = train_on(corpus, settings)
    steps: list[int] = []

    def interrupt(progress: Progress) -> None:
        steps.append(progress.step)
        if progress.step == 13:
            os.kill(os.getpid(), signal.SIGINT)

    with (
        pytest.raises(TrainingInterrupted, match=r"S126.*step 13.*m\.checkpoint.*--resume"),
        open_checkpoints(tmp_path / "m") as checkpoints,
    ):
        train_on(corpus, settings, on_step=interrupt, checkpoints=checkpoints)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with open_checkpoints(tmp_path / "m", resume=True) as checkpoints:
        resumed = train_on(
            corpus, settings, on_step=lambda progress: steps.append(progress.step), checkpoints=checkpoints
        )
    assert steps == list(range(1, settings.steps + 1))
    assert_same_weights(whole.nlp, resumed.nlp)
    assert [entry[2:] for entry in resumed.history] == [entry[2:] for entry in whole.history]
    assert not list(tmp_path.iterdir())


def test_python_resumes_from_a_path(tmp_path: Path, heeds_interrupts: None) -> None:
    texts, labels = ["fine", "poor"] * 5, ["positive", "negative"] * 5
    settings = replace(SMALL, steps=12, batch_size=8)
    whole = train(texts, labels, settings=settings)

    def interrupt(progress: Progress) -> None:
        if progress.step == 7:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(TrainingInterrupted, match="step 7"):
        train(texts, labels, settings=settings, checkpoints=tmp_path / "m", on_step=interrupt)
    steps: list[Progress] = []
    resumed = train(texts, labels, settings=settings, checkpoints=str(tmp_path / "m"), on_step=steps.append)
    assert steps[0].step == 8
    assert_same_weights(whole.nlp, resumed.nlp)
    assert not list(tmp_path.iterdir())


def test_a_run_that_is_killed_resumes_from_its_last_checkpoint(tmp_path: Path, short_texts: Texts) -> None:
    steps = 600
    command = [sys.executable, "-m", "spacy_trax_sentiment", "train", "bundled:short_texts", "--quiet", "--resume"]
    command += ["--steps", str(steps), "--embedding-dim", "4", "--checkpoint-every", "25", "-o", str(tmp_path / "m")]
    moments = random.Random(7)
    reached: list[str] = []
    for _ in range(2):
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            while running.poll() is None and last_saved(tmp_path) == (reached[-1] if reached else ""):
                time.sleep(0.005)
            time.sleep(moments.uniform(0, 0.15))
        finally:
            running.kill()
        assert running.wait() == -signal.SIGKILL
        reached.append(last_saved(tmp_path))
    assert reached == sorted(set(reached)), "the second run resumed from the first"
    assert subprocess.run(command, check=False).returncode == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["m"]
    whole = train_on(Corpus(DEFAULT_LABELS, *short_texts), Settings(steps=steps, embedding_dim=4)).nlp
    assert_same_weights(whole, load(tmp_path / "m"))


def test_a_model_that_is_changed_after_a_kill_is_not_replaced(tmp_path: Path) -> None:
    output = tmp_path / "m"
    output.mkdir()
    with open_checkpoints(output, resume=True) as checkpoints:
        assert not checkpoints.is_done(output)
        checkpoints.conclude(output)
        assert not checkpoints.is_done(output), "there is no checkpoint to resume from"
        checkpoints.save(Checkpoint(1, {}, {}, {}))
        assert checkpoints.is_done(output)
        (output / "note.txt").write_text("mine")
        assert not checkpoints.is_done(output)


def last_saved(directory: Path) -> str:
    return max((path.name for path in directory.glob("m.checkpoint/step-*")), default="")


def test_a_loss_that_is_not_finite_leaves_the_last_good_checkpoint(short_texts: Texts, tmp_path: Path) -> None:
    settings = replace(SMALL, learning_rate=1e30)
    with (
        pytest.raises(SentimentError, match="S041|S120"),
        open_checkpoints(tmp_path / "m", 1) as checkpoints,
    ):
        train_on(Corpus(DEFAULT_LABELS, *short_texts), settings, checkpoints=checkpoints)
    (directory,) = checkpoints.saved()
    for path in directory.glob("*.npy"):
        assert np.isfinite(np.load(path, allow_pickle=False)).all()


def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    with open_checkpoints(tmp_path / "m") as checkpoints:
        checkpoints.save(checkpoint(2))
        with pytest.raises(SentimentError, match="S120.*step 4"):
            checkpoints.save(checkpoint(4, a=np.array([1, np.inf])))
        assert [path.name for path in checkpoints.saved()] == ["step-000000000002"]


def test_a_checkpoint_is_read_as_it_was_written(tmp_path: Path) -> None:
    leave(tmp_path / "m")
    with open_checkpoints(tmp_path / "m", resume=True) as checkpoints:
        found = checkpoints.start(FACTS)
        assert found is not None
        assert found[:3] == checkpoint(3)[:3]
        np.testing.assert_array_equal(found.arrays["a"], [0, 1, 2])
    assert not list(tmp_path.iterdir())


def test_a_run_without_a_checkpoint_starts_from_the_beginning(tmp_path: Path) -> None:
    with open_checkpoints(tmp_path / "m", resume=True) as checkpoints:
        assert checkpoints.start(FACTS) is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seed": 2}, "seed was 1 and is now 2"),
        ({"the training texts": "cd34"}, "the training texts was ab12 and is now cd34"),
    ],
)
def test_other_settings_or_data_are_refused(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    directory = leave(tmp_path / "m")
    with (
        pytest.raises(SentimentError, match=f"S123.*{message}"),
        open_checkpoints(tmp_path / "m", resume=True) as checkpoints,
    ):
        checkpoints.start({**FACTS, **changed})
    assert directory.is_dir()


def test_texts_that_have_changed_are_refused(short_texts: Texts, tmp_path: Path) -> None:
    def interrupt(_: Progress) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    texts, dev_texts = short_texts
    with pytest.raises(TrainingInterrupted), open_checkpoints(tmp_path / "m") as checkpoints:
        train_on(Corpus(DEFAULT_LABELS, texts, dev_texts), SMALL, on_step=interrupt, checkpoints=checkpoints)
    changed = [texts[0]._replace(text=texts[0].text + "!"), *texts[1:]]
    with (
        pytest.raises(SentimentError, match=r"S123.*(the training texts|the ids) was"),
        open_checkpoints(tmp_path / "m", resume=True) as checkpoints,
    ):
        train_on(Corpus(DEFAULT_LABELS, changed, dev_texts), SMALL, checkpoints=checkpoints)
    assert len(checkpoints.saved()) == 1


@pytest.mark.parametrize("name", ["a.npy", "state.json", "manifest.json"])
@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"x" + data[1:], lambda data: None])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, name: str, damage: Any) -> None:
    path = leave(tmp_path / "m") / name
    data = damage(path.read_bytes())
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    with (
        pytest.raises(SentimentError, match="S122.*--overwrite"),
        open_checkpoints(tmp_path / "m", resume=True) as checkpoints,
    ):
        checkpoints.start(FACTS)


def test_a_pickle_in_a_checkpoint_is_not_loaded(tmp_path: Path) -> None:
    directory = leave(tmp_path / "m")
    np.save(directory / "a.npy", np.array([{"any": "object"}], dtype=object), allow_pickle=True)
    files = {name: (directory / name).read_bytes() for name in ("a.npy", "state.json")}
    (directory / "manifest.json").write_bytes(manifest(files, {}))
    with (
        pytest.raises(SentimentError, match="S122.*allow_pickle=False"),
        open_checkpoints(tmp_path / "m", resume=True) as checkpoints,
    ):
        checkpoints.start(FACTS)


def test_only_the_latest_checkpoint_is_kept(tmp_path: Path) -> None:
    with open_checkpoints(tmp_path / "m") as checkpoints:
        for step in (5, 10, 100):
            checkpoints.save(checkpoint(step))
        assert sorted(path.name for path in checkpoints.directory.iterdir()) == ["lock", "step-000000000100"]


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_cannot_be_written_leaves_the_previous_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    def fail(_: int) -> None:
        raise OSError(reason, os.strerror(reason))

    with open_checkpoints(tmp_path / "m") as checkpoints:
        checkpoints.save(checkpoint(5))
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(SentimentError, match=f"S121.*{os.strerror(reason)}.*--resume"):
            checkpoints.save(checkpoint(10))
        assert sorted(path.name for path in checkpoints.directory.iterdir()) == ["lock", "step-000000000005"]


def test_a_directory_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SentimentError, match="S032"), open_checkpoints(tmp_path / "file" / "m"):
        pass


def test_a_second_run_into_the_directory_is_refused_while_the_first_runs(tmp_path: Path) -> None:
    with open_checkpoints(tmp_path / "m"):
        with pytest.raises(SentimentError, match="S125.*another training run"), open_checkpoints(tmp_path / "m"):
            pass
        with open_checkpoints(tmp_path / "other"):
            pass
    with open_checkpoints(tmp_path / "m"):
        pass


def test_a_checkpoint_is_not_overwritten_unasked(tmp_path: Path) -> None:
    directory = leave(tmp_path / "m")
    with pytest.raises(SentimentError, match="S124.*--resume"), open_checkpoints(tmp_path / "m"):
        pass
    assert directory.is_dir()
    with open_checkpoints(tmp_path / "m", overwrite=True) as checkpoints:
        assert not checkpoints.saved()


def test_a_model_that_a_killed_run_had_moved_aside_is_put_back(tmp_path: Path) -> None:
    work = tmp_path / "m.checkpoint" / "work-x"
    (work / "old").mkdir(parents=True)
    (work / "old" / "meta.json").write_text("{}")
    with open_checkpoints(tmp_path / "m"):
        assert json.loads((tmp_path / "m" / "meta.json").read_text()) == {}
        assert not work.exists()


def test_the_steps_between_checkpoints_must_be_at_least_one(tmp_path: Path) -> None:
    with pytest.raises(SentimentError, match="S021.*checkpoint_every"), open_checkpoints(tmp_path / "m", 0):
        pass
    assert not list(tmp_path.iterdir())
