"""`trax-sentiment train`: labelled texts to a pipeline directory."""

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .common import (
    label_column_option,
    overwrite_option,
    quiet_option,
    set_verbosity,
    text_column_option,
    verbose_option,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..evaluation.figures import Evaluation
    from ..training.labelled import LabelledText
    from ..training.loop import Trained
    from ..training.progress import Progress
    from ..training.settings import Settings
    from ..training.stored import StoredTexts
    from ..training.tensorboard import Summaries

_AS_THEY_ARE = "as they are"

logger = logging.getLogger(__name__)


def train(
    source: str = typer.Argument(
        metavar="SOURCE",
        help="What to learn from: a .jsonl, .csv, .tsv or .parquet file, nltk:twitter_samples, or bundled:short_texts;"
        " with --config, the directory that its paths are within.",
    ),
    output: Path = typer.Option(..., "--output", "-o", help="The directory to write the spaCy pipeline to."),
    dev: str | None = typer.Option(
        None, help="Held-out texts to measure on. Without it, the last fifth of each label's texts is held out."
    ),
    config: str | None = typer.Option(
        None,
        help="A recipe that mixes sources: a .cfg file; or en, en_ternary or en_ternary_start, those of the package's"
        " models.",
    ),
    init_from: str | None = typer.Option(
        None,
        help="A pipeline directory, or en or en_ternary: train on from its vocabulary and weights. Its labels must be"
        " among yours.",
    ),
    preset: str = typer.Option(
        "default", help="The settings to start from: 'default', or 'seed' for the course notebook's exact set-up."
    ),
    steps: int | None = typer.Option(None, help="Batches to train on.", show_default="preset: 300, seed: 100"),
    batch_size: int | None = typer.Option(None, help="Texts in a batch.", show_default="preset: 32, seed: 16"),
    learning_rate: float | None = typer.Option(None, help="Adam's learning rate.", show_default="preset: 0.01"),
    embedding_dim: int | None = typer.Option(
        None, help="Width of the embedding.", show_default="preset: 32, seed: 256"
    ),
    seed: int | None = typer.Option(
        None, help="Of the initial weights and the order of the texts.", show_default="preset: 0, seed: 271"
    ),
    balanced: bool | None = typer.Option(
        None, "--balanced/--no-balanced", help="As many texts of each label in a batch.", show_default="balanced"
    ),
    labels: str = typer.Option("negative,positive", help="The labels, separated by commas."),
    text_column: str = text_column_option(),
    label_column: str = label_column_option(),
    overwrite: bool = overwrite_option(),
    checkpoint_every: int | None = typer.Option(
        None, help="Save a checkpoint after each so many steps, in a directory beside the output.", show_default="none"
    ),
    resume: bool = typer.Option(
        False, "--resume", help="Go on from the checkpoint of a run that was killed or interrupted, if there is one."
    ),
    report: bool = typer.Option(
        True, "--report/--no-report", help="Write report.html, with plots and errors, into the output directory."
    ),
    data_parallel: bool = typer.Option(
        False, "--data-parallel", help="Let all devices share each batch, which then moves all rows of the embedding."
    ),
    tensorboard: Path | None = typer.Option(None, help="A directory for files that TensorBoard shows."),
    quiet: bool = quiet_option(),
    verbose: bool = verbose_option(),
) -> None:
    """Train a pipeline, and measure it.

    Trax's Loop trains it; it is measured on held-out texts, as they are and without emoticons.

    Needs the extra: pip install 'spacy-trax-sentiment[train]'.

    \b
    Examples:
      trax-sentiment train reviews.jsonl --dev dev.jsonl --output model
      trax-sentiment train reviews.jsonl --init-from en --learning-rate 0.001 --output model
      trax-sentiment train data --config en --output model
      trax-sentiment train reviews.jsonl --tensorboard runs/one --output model
    """
    set_verbosity(quiet, verbose)
    from contextlib import nullcontext
    from dataclasses import replace

    from ..evaluation.plots import require_matplotlib
    from ..pipelines import load, save
    from ..storage.whole import whole_directory
    from ..training.checkpoints import open_checkpoints
    from ..training.corpora import read_labelled_texts
    from ..training.labelled import require_labels
    from ..training.loop import train as train_pipeline
    from ..training.recipes import mix, read_recipe
    from ..training.settings import check_settings
    from ..training.stored import hold_out, open_labelled_texts
    from ..training.tensorboard import Summaries

    if report:
        require_matplotlib()
    chosen = {
        "steps": steps,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "embedding_dim": embedding_dim,
        "seed": seed,
        "balanced": balanced,
    }
    given: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    if data_parallel:
        given |= {"data_parallel": True, "row_steps": False}
    texts: list[LabelledText] | StoredTexts
    weights = None
    if config is not None:
        recipe = read_recipe(config)
        settings, label_names = replace(recipe.settings, **given), recipe.labels
        check_settings(settings, len(label_names))
        texts, weights, dev_texts = mix(recipe, Path(source))
        require_labels(texts, label_names, config)
        require_labels(dev_texts, label_names, config)
    else:
        settings, label_names = _settings(preset, given), _label_names(labels)
        check_settings(settings, len(label_names))
        columns: Any = {"labels": label_names, "text_column": text_column, "label_column": label_column}
        texts = open_labelled_texts(source, **columns)
        require_labels(texts, label_names, source)
        if dev is None:
            texts, dev_texts = hold_out(texts, source)
        else:
            dev_texts = read_labelled_texts(dev, **columns)
            require_labels(dev_texts, label_names, dev)
    start = None if init_from is None else load(init_from)

    with (
        open_checkpoints(output, checkpoint_every, resume=resume, overwrite=overwrite) as checkpoints,
        whole_directory(output, overwrite or checkpoints.is_done(output), checkpoints.directory) as directory,
    ):
        if not quiet:
            print(f"{len(texts)} texts to train on, {len(dev_texts)} held out. Loading Trax ...", file=sys.stderr)
        with (
            _ProgressBar(settings.steps, quiet) as bar,
            nullcontext() if tensorboard is None else Summaries(tensorboard) as summaries,
        ):
            trained = train_pipeline(
                texts,
                dev_texts,
                label_names,
                settings,
                _told(bar, summaries),
                weights=weights,
                init_from=start,
                checkpoints=checkpoints,
            )
            if summaries is not None and trained.history:
                summaries.write(trained.history[-1])
        nlp = trained.nlp
        figures = _measure(nlp, dev_texts, label_names)
        as_it_is = figures[_AS_THEY_ARE]
        nlp.meta["performance"] = {"accuracy": as_it_is.accuracy, "macro_recall": as_it_is.macro_recall}
        names = {"source": config or source, "dev": dev, "init_from": init_from}
        nlp.meta["trax_sentiment"] = {"training": _training_facts(names, texts, dev_texts, settings)}
        save(nlp, directory)
        if report:
            held_out = f"the last fifth of each label's, of {_name(source)}" if dev is None else _name(dev)
            of_config = f"the recipe {_name(config or '')}", "its dev sources"
            sources = (_name(source), held_out) if config is None else of_config
            _write_report(directory, output.resolve().name, trained, figures, texts, sources, settings)
        checkpoints.conclude(directory)
    if not quiet:
        _print_figures(figures, output, report)


def _told(bar: "_ProgressBar", summaries: "Summaries | None") -> "Callable[[Progress], None]":
    def tell(progress: "Progress") -> None:
        bar.show(progress)
        if summaries is not None:
            summaries.on_step(progress)

    return tell


def _name(source: str) -> str:
    """RETURNS: A file without its folder; a named source as it is."""
    return source if ":" in source else Path(source).name


def _training_facts(
    names: dict[str, str | None],
    texts: "list[LabelledText] | StoredTexts",
    dev_texts: "list[LabelledText]",
    settings: "Settings",
) -> dict[str, Any]:
    """RETURNS: What a model keeps of its training: nothing of when or in what folder, so that the same training gives
    the same files.
    """
    from collections import Counter
    from dataclasses import asdict

    return {
        **{what: None if name is None else Path(name).name for what, name in names.items()},
        "texts": dict(sorted(Counter(text.label for text in texts).items())),
        "dev_texts": dict(sorted(Counter(text.label for text in dev_texts).items())),
        "settings": asdict(settings),
    }


def _settings(preset: str, chosen: dict[str, Any]) -> "Settings":
    from dataclasses import replace

    from ..errors import Errors, SentimentError
    from ..training.settings import PRESETS

    if preset not in PRESETS:
        raise SentimentError(Errors.S023.format(name=preset, names=", ".join(PRESETS)))
    return replace(PRESETS[preset], **chosen)


def _label_names(labels: str) -> list[str]:
    from ..errors import Errors, SentimentError

    names = [name.strip() for name in labels.split(",")]
    if len(names) < 2 or len(set(names)) < len(names) or not all(names):
        raise SentimentError(Errors.S022.format(labels=repr(labels)))
    return names


def _measure(nlp: Any, dev_texts: "list[LabelledText]", labels: list[str]) -> "dict[str, Evaluation]":
    from ..evaluation.figures import measure
    from ..text.process_tweet import strip_emoticons

    stripped = [text._replace(text=strip_emoticons(text.text)) for text in dev_texts]
    return {_AS_THEY_ARE: measure(nlp, labels, dev_texts), "emoticons stripped": measure(nlp, labels, stripped)}


def _write_report(
    directory: Path,
    name: str,
    trained: "Trained",
    figures: "dict[str, Evaluation]",
    texts: "list[LabelledText] | StoredTexts",
    sources: tuple[str, str],
    settings: "Settings",
) -> None:
    from ..evaluation.report import training_report
    from ..evaluation.report_tables import Data
    from ..storage.whole import write_file

    data = [
        Data("training", sources[0], texts),
        Data("held out", sources[1], figures[_AS_THEY_ARE].texts),
    ]
    # Not among the sealed files: the model is whole without it, and it holds texts that one may not want to hand on.
    html = training_report(trained.nlp, name, figures, trained.history, data, settings)
    write_file(directory / "report.html", html)


def _print_figures(figures: "dict[str, Evaluation]", output: Path, report: bool) -> None:
    import wasabi

    rows = [
        (name, each.n_texts, f"{each.accuracy:.4f}", f"{each.macro_recall:.4f}")
        for name, each in figures.items()
    ]
    header = ("held-out texts", "number", "accuracy", "macro-recall")
    print(wasabi.table(rows, header=header, divider=True, aligns=("l", "r", "r", "r")), end="")
    if report:
        print(f"Report, with texts: {output / 'report.html'}")
    print(f'Saved to {output}. Use it: spacy.load("{output}")')


class _ProgressBar:
    """A bar on standard error, where that is a terminal, with the latest loss and held-out accuracy."""

    def __init__(self, steps: int, quiet: bool) -> None:
        from tqdm import tqdm

        self.bar = tqdm(total=steps, unit="step", disable=True if quiet else None, file=sys.stderr)

    def __enter__(self) -> "_ProgressBar":
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def show(self, progress: "Progress") -> None:
        self.bar.set_postfix(loss=f"{progress.loss:.4f}", dev_accuracy=f"{progress.dev_accuracy:.4f}", refresh=False)
        self.bar.update(progress.step - self.bar.n)
        if progress.step % 10 == 0:
            logger.info("Step %d: loss %.4f; held out: loss %.4f, accuracy %.4f.", *progress)
