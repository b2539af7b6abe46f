import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language

from spacy_trax_sentiment import TextScorer, pipelines
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.pipelines import find_component, load, save
from spacy_trax_sentiment.storage.sealed import check_directory
from spacy_trax_sentiment.storage.whole import whole_directory

GOLDEN = Path(__file__).parent / "data" / "golden" / "v1"
NAMES = "one", "two"
# A process that replaces the model at the first path by those at the others, in turn, until it is killed.
REPLACE = """
import shutil, sys
from itertools import cycle
from pathlib import Path
from spacy_trax_sentiment.storage.whole import whole_directory

target, *models = map(Path, sys.argv[1:])
for model in cycle(models):
    with whole_directory(target, overwrite=True) as new:
        shutil.copytree(model, new, dirs_exist_ok=True)
    print(flush=True)
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two models that differ in each part: the name in their metadata, a rule of the tokenizer, and the weights."""
    paths = []
    for i, name in enumerate(NAMES):
        nlp = spacy.blank("en", meta={"name": name})
        nlp.tokenizer.add_special_case("xyzzy", [{"ORTH": "xyzzy"[: i + 1]}, {"ORTH": "xyzzy"[i + 1 :]}])  # type: ignore[union-attr]
        nlp.add_pipe("trax_sentiment", config={"pretrained": str(GOLDEN)})
        model = find_component(nlp).model
        model.set_param("b", np.array([5, -5] if i else [-5, 5], dtype=np.float32))
        paths.append(tmp_path_factory.mktemp("models") / name)
        save(nlp, paths[-1])
    return paths


def whole(nlp: Language) -> str:
    """Return the name of the model that all parts belong to."""
    doc = nlp("xyzzy good")  # a text without a known term would get the label prior
    parts = {nlp.meta["name"], NAMES[len(doc[0].text) - 1], NAMES[int(doc.cats["negative"] > 0.5)]}
    assert len(parts) == 1, parts
    return str(nlp.meta["name"])


def put(model: Path, target: Path) -> None:
    with whole_directory(target, overwrite=True) as new:
        shutil.copytree(model, new, dirs_exist_ok=True)


@pytest.fixture
def target(models: list[Path], tmp_path: Path) -> Path:
    """The path of a copy of the first model, to be replaced."""
    put(models[0], tmp_path / "m")
    return tmp_path / "m"


def test_a_model_that_is_replaced_after_the_check_is_loaded_again(
    models: list[Path], target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: Iterator[Path] = iter(models[1:])

    def check(path: Path) -> None:
        check_directory(path)
        for other in others:
            put(other, target)

    monkeypatch.setattr(pipelines, "check_directory", check)
    assert whole(load(target)) == "two"


def test_a_model_that_is_replaced_between_its_files_is_loaded_again(
    models: list[Path], target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = iter(models[1:])
    read_meta = pipelines.get_model_meta

    def get_meta(path: Path) -> object:
        meta = read_meta(path)
        for other in others:
            put(other, target)
        return meta

    monkeypatch.setattr(pipelines, "get_model_meta", get_meta)
    assert whole(load(target)) == "two"


def test_a_model_that_is_replaced_during_the_check_is_loaded_again(
    models: list[Path], target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = iter(models[1:])

    def check(path: Path) -> None:
        for other in others:
            put(other, target)
            raise SentimentError("the checksums belong to the earlier model")
        check_directory(path)

    monkeypatch.setattr(pipelines, "check_directory", check)
    assert whole(load(target)) == "two"


def test_a_model_that_is_replaced_each_time_is_refused(
    models: list[Path], target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = cycle(models[::-1])

    def check(path: Path) -> None:
        check_directory(path)
        put(next(turn), target)

    monkeypatch.setattr(pipelines, "check_directory", check)
    with pytest.raises(SentimentError, match=r"S038.*m: was replaced each time"):
        load(target)


@pytest.mark.slow
def test_threads_load_whole_models_while_a_process_replaces_them(models: list[Path], target: Path) -> None:
    found: Counter[str] = Counter()
    command = [sys.executable, "-c", REPLACE, *map(str, [target, *models])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()  # it has begun
            end = time.monotonic() + 2

            def load_until_the_end(_: int) -> None:
                while time.monotonic() < end:
                    try:
                        found[whole(load(target))] += 1
                    except SentimentError as error:
                        found[str(error)[:6]] += 1

            with ThreadPoolExecutor(4) as pool:
                list(pool.map(load_until_the_end, range(4)))
            assert process.poll() is None
        finally:
            process.kill()
    # For a moment in between, there is no model.
    assert found
    assert found.keys() <= {*NAMES, "[S033]", "[S038]"}


def test_sixteen_threads_share_a_pipeline() -> None:
    words = ["good", "never", "awful", "food", ":-)", "not bad", "https://t.co/x1", "@you", "1,000"]
    texts = [" ".join(words[(i * step) % len(words)] for i in range(step)) + f" new{step}" for step in range(1, 60)]
    expected = TextScorer.load("en")(texts)
    nlp = load("en")  # its caches are empty
    scorer = TextScorer(nlp)
    start = threading.Barrier(16)

    def work(number: int) -> None:
        start.wait()
        some = texts[number:] + texts[:number]
        wanted = np.roll(expected, -number, axis=0)
        for _ in range(2):
            np.testing.assert_allclose(scorer(some), wanted, atol=1e-6)
            found = [[*doc.cats.values()] for doc in nlp.pipe(some)]
            np.testing.assert_allclose(found, wanted, atol=1e-6)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))


def test_only_what_belongs_to_the_pipeline_is_sealed(tmp_path: Path) -> None:
    for _ in range(2):  # the second time there is another file already
        save(load("en"), tmp_path / "m")
        (tmp_path / "m" / "report.html").write_text("texts")
    (tmp_path / "m" / "report.html").unlink()
    assert load(tmp_path / "m")("I love it").cats["positive"] > 0.5
