"""spaCy's own commands, run as a user would, on pipelines with our component."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from spacy.cli._util import app
from spacy.tokens import DocBin
from spacy.training import Example

from spacy_trax_sentiment.cli.init_config import filled_config
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.training.labelled import LabelledText

pytestmark = pytest.mark.slow

Command = Callable[..., None]
Texts = tuple[list[LabelledText], list[LabelledText]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, short_texts: Texts) -> Path:
    """A folder with config.cfg, and with train and dev as .jsonl and .spacy."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "config.cfg").write_text(filled_config("default"))
    nlp = spacy.blank("en")
    for name, texts in zip(("train", "dev"), short_texts, strict=True):
        docs = DocBin()
        rows = []
        for text, label in texts:
            doc = nlp.make_doc(text)
            doc.cats = {each: float(each == label) for each in ("negative", "positive")}
            docs.add(doc)
            rows.append(json.dumps({"text": text, "label": label}))
        docs.to_disk(folder / f"{name}.spacy")
        (folder / f"{name}.jsonl").write_text("\n".join(rows))
    return folder


@pytest.fixture(scope="module")
def command(folder: Path) -> Command:
    """Run one of spaCy's commands in this process. The test fails if the command does."""

    def run(*arguments: object) -> None:
        paths = {"TRAIN": "train.jsonl", "DEV": "dev.jsonl"}
        chosen = [str(folder / paths[a]) if isinstance(a, str) and a in paths else str(a) for a in arguments]
        # Some commands read sys.argv themselves.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["spacy", *chosen])
            app(args=chosen, prog_name="python -m spacy", standalone_mode=False)

    return run


PATHS = ("--paths.train", "TRAIN", "--paths.dev", "DEV")


@pytest.fixture(scope="module")
def best(folder: Path, command: Command) -> Path:
    """The best pipeline according to `spacy train`. Tests must not change it."""
    command("train", folder / "config.cfg", "--output", folder / "out", *PATHS, "--training.max_steps", 300)
    return folder / "out" / "model-best"


def test_train_saves_the_best_pipeline_with_its_scores(best: Path) -> None:
    nlp = spacy.load(best)
    assert nlp.meta["performance"]["cats_score"] > 0.7
    assert nlp("What a wonderful day").cats["positive"] > 0.5


def test_train_stops_early(folder: Path, command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    settings = ("--training.eval_frequency", 5, "--training.patience", 5, "--training.optimizer.learn_rate", "0.0")
    command("train", folder / "config.cfg", *PATHS, *settings)
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()[:1].isdigit()]
    assert [row[1] for row in rows] == ["0", "5"]


def test_train_reads_spacys_own_corpora_and_a_file_of_labels(
    folder: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    command("init", "labels", folder / "config.cfg", folder / "labels", *PATHS)
    assert json.loads((folder / "labels" / "trax_sentiment.json").read_text()) == ["negative", "positive"]
    config = spacy.util.load_config(folder / "config.cfg")
    for part in ("train", "dev"):
        config["corpora"][part] = {"@readers": "spacy.Corpus.v1", "path": str(folder / f"{part}.spacy")}
    labels = {"@readers": "spacy.read_labels.v1", "path": str(folder / "labels" / "trax_sentiment.json")}
    config["initialize"]["components"]["trax_sentiment"] = {"labels": labels, "min_count": 2, "max_size": 100}
    config.to_disk(folder / "spacy.cfg")
    command("train", folder / "spacy.cfg", "--output", folder / "of_docs", "--training.max_steps", 20)
    nlp = spacy.load(folder / "of_docs" / "model-last")
    assert len(find_component(nlp).model.attrs["vocabulary"]) == 100 + 3


def test_train_beside_other_components_annotating_frozen_sourced_and_resumed(
    folder: Path, best: Path, command: Command
) -> None:
    """One trained component is frozen and annotates, another is trained further, and spaCy's textcat has our model."""
    config = spacy.util.load_config(folder / "config.cfg")
    config["nlp"]["pipeline"] = ["frozen", "resumed", "textcat"]
    # spaCy adds one component, not two, if both names have the same source.
    shutil.copytree(best, folder / "same")
    config["components"] = {
        "frozen": {"source": str(best), "component": "trax_sentiment"},
        "resumed": {"source": str(folder / "same"), "component": "trax_sentiment"},
        "textcat": {"factory": "textcat", "model": {**_classifier(), "embedding_dim": 8}},
    }
    config["initialize"]["components"] = {}
    config["training"]["frozen_components"] = ["frozen"]
    config["training"]["annotating_components"] = ["frozen"]
    config.to_disk(folder / "many.cfg")
    command("train", folder / "many.cfg", "--output", folder / "many", *PATHS, "--training.max_steps", 20)
    before, after = spacy.load(best), spacy.load(folder / "many" / "model-last")
    text = "The food was cold"
    frozen, resumed = (after.get_pipe(name).predict([after.make_doc(text)])[0] for name in ("frozen", "resumed"))
    expected = list(before(text).cats.values())
    assert frozen.tolist() == pytest.approx(expected, abs=1e-6)
    assert resumed.tolist() != pytest.approx(expected, abs=1e-6)
    assert resumed.argmax() == frozen.argmax()  # it was trained further


def _classifier() -> dict[str, object]:
    preprocessor = {"@misc": "spacy_trax_sentiment.SentimentTerms.v1"}
    return {"@architectures": "spacy_trax_sentiment.Classifier.v1", "preprocessor": preprocessor}


def test_init_fill_config_knows_every_setting(folder: Path, command: Command) -> None:
    (folder / "sparse.cfg").write_text(
        '[nlp]\nlang = "en"\npipeline = ["trax_sentiment"]\n'
        '[components]\n[components.trax_sentiment]\nfactory = "trax_sentiment"\n'
    )
    command("init", "fill-config", folder / "sparse.cfg", folder / "filled.cfg")
    filled = spacy.util.load_config(folder / "filled.cfg")
    assert filled["components"]["trax_sentiment"]["model"]["mean"] == "masked"


@pytest.mark.parametrize(
    "arguments",
    [
        ("debug", "config", "CONFIG", *PATHS),
        ("debug", "data", "CONFIG", *PATHS, "--verbose"),
        ("debug", "model", "CONFIG", "trax_sentiment", *PATHS, "-PAR", "-DIM", "-P0", "-P1", "-P2", "-P3"),
        ("evaluate", "BEST", "DOCS", "--output", "METRICS"),
        ("benchmark", "accuracy", "BEST", "DOCS"),
        ("benchmark", "speed", "BEST", "DOCS", "--batches", "30", "--warmup", "1"),
        ("apply", "BEST", "DEV", "APPLIED"),
        ("find-threshold", "BEST", "DOCS", "trax_sentiment", "threshold", "cats_macro_auc", "--n_trials", "3"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]) if arguments[0] in ("debug", "benchmark") else arguments[0],
)
def test_commands_that_succeed(folder: Path, best: Path, command: Command, arguments: tuple[str, ...]) -> None:
    places = {
        "CONFIG": folder / "config.cfg",
        "BEST": best,
        "DOCS": folder / "dev.spacy",
        "METRICS": folder / "metrics.json",
        "APPLIED": folder / "applied.spacy",
    }
    command(*(places.get(argument, argument) for argument in arguments))
    if arguments[0] == "evaluate":
        assert json.loads((folder / "metrics.json").read_text())["cats_score"] > 0.7
    if arguments[0] == "apply":
        docs = list(DocBin().from_disk(folder / "applied.spacy").get_docs(spacy.blank("en").vocab))
        assert all(sum(doc.cats.values()) == pytest.approx(1) for doc in docs)


def test_package_names_what_the_pipeline_needs(folder: Path, best: Path, command: Command) -> None:
    # .ci/run also builds a package, and installs it without Trax.
    (folder / "packages").mkdir()
    command("package", best, folder / "packages", "--build", "none", "--name", "sentiment", "--version", "1.0.0")
    requirements = json.loads((folder / "packages" / "en_sentiment-1.0.0" / "meta.json").read_text())["requirements"]
    assert any(line.startswith("spacy-trax-sentiment") for line in requirements)


def test_pipeline_analysis_selection_and_rehearsal(best: Path) -> None:
    nlp = spacy.load(best)
    analysis = nlp.analyze_pipes()
    assert analysis["summary"]["trax_sentiment"]["assigns"] == ["doc.cats"]
    assert "cats_score" in analysis["summary"]["trax_sentiment"]["scores"]
    assert analysis["problems"]["trax_sentiment"] == []
    with nlp.select_pipes(disable="trax_sentiment"):
        assert not nlp("lovely").cats
    assert nlp("lovely").cats
    examples = [Example.from_dict(nlp.make_doc("lovely"), {"cats": {"negative": 1.0, "positive": 0.0}})]
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 0.1
    while nlp("lovely").cats["positive"] > 0.1:
        nlp.update(examples, sgd=optimizer)
    for _ in range(30):
        nlp.rehearse(examples, sgd=optimizer)
    assert nlp("lovely").cats["positive"] > 0.9
