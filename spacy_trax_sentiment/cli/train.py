"""`trax-sentiment train`: labelled texts to a pipeline directory."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from ..reporting.figures import Figures
    from ..training import LabelledText, Progress, Settings
    from ..training.loop import Trained

_AS_THEY_ARE = "as they are"


def train(
    source: str = typer.Argument(
        help="What to learn from: a .jsonl, .csv, .tsv or .parquet file, nltk:twitter_samples, or bundled:short_texts;"
        " with --config, the directory that its paths are within.",
    ),
    output: Path = typer.Option(..., "--output", "-o", help="The directory to write the spaCy pipeline to."),
    dev: str | None = typer.Option(
        None, help="Held-out texts to measure on. Without it, the last fifth of each label's texts is held out."
    ),
    config: str | None = typer.Option(
        None, help="A recipe that mixes sources: a .cfg file; or en or en_ternary, those of the package's models."
    ),
    init_from: str | None = typer.Option(
        None, help="A pipeline directory, or en or en_ternary: train on from its vocabulary and weights."
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
    text_column: str = typer.Option("text", help="The field of a file that holds the text."),
    label_column: str = typer.Option("label", help="The field of a file that holds the label."),
    overwrite: bool = typer.Option(False, "--overwrite", help="Replace the pipeline that the output directory holds."),
    report: bool = typer.Option(
        True, "--report/--no-report", help="Write report.html, with plots and errors, into the output directory."
    ),
    tensorboard: Path | None = typer.Option(None, help="A directory for files that TensorBoard shows."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Print nothing but errors."),
) -> None:
    """Train a pipeline with Trax's Loop, and measure it on held-out texts.

    Needs the extra: pip install 'spacy-trax-sentiment[train]'.

    Example: trax-sentiment train reviews.jsonl --dev dev.jsonl --output model

    Example: trax-sentiment train reviews.jsonl --init-from en --learning-rate 0.001 --output model
    """
    from contextlib import nullcontext
    from dataclasses import replace

    from ..model.storage import whole_directory
    from ..pipelines import load_pipeline, save_pipeline
    from ..reporting.plots import require_matplotlib
    from ..training.corpora import read_labelled_texts, require_labels, split_held_out
    from ..training.loop import check_settings
    from ..training.loop import train as train_pipeline
    from ..training.recipes import mix, read_recipe
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
        texts = read_labelled_texts(source, **columns)
        require_labels(texts, label_names, source)
        if dev is None:
            texts, dev_texts = split_held_out(texts, source)
        else:
            dev_texts = read_labelled_texts(dev, **columns)
            require_labels(dev_texts, label_names, dev)
    start = None if init_from is None else load_pipeline(init_from)

    with whole_directory(output, overwrite) as directory:
        if not quiet:
            print(f"{len(texts)} texts to train on, {len(dev_texts)} held out. Loading Trax ...", file=sys.stderr)
        summaries = nullcontext() if tensorboard is None else Summaries(tensorboard)
        with _ProgressBar(settings.steps, quiet) as bar, summaries as written:

            def on_step(progress: "Progress") -> None:
                bar.show(progress)
                if written is not None:
                    written.on_step(progress)

            trained = train_pipeline(texts, dev_texts, label_names, settings, on_step, weights=weights, init_from=start)
            if written is not None and trained.history:
                written.write(trained.history[-1])
        figures = _measure(trained.nlp, dev_texts, label_names)
        as_it_is = figures[_AS_THEY_ARE].evaluation
        trained.nlp.meta["performance"] = {"accuracy": as_it_is.accuracy, "macro_recall": as_it_is.macro_recall}
        save_pipeline(trained.nlp, directory)
        if report:
            held_out = f"the last fifth of each label's, of {source}" if dev is None else dev
            sources = (config, f"the dev sources of {config}") if config is not None else (source, held_out)
            _write_report(directory, output.name, trained, figures, texts, sources, settings)
    if not quiet:
        _print_figures(figures, output, report)


def _settings(preset: str, chosen: dict[str, Any]) -> "Settings":
    from dataclasses import replace

    from ..errors import Errors, SentimentError
    from ..training.loop import PRESETS

    if preset not in PRESETS:
        raise SentimentError(Errors.S023.format(name=preset, names=", ".join(PRESETS)))
    return replace(PRESETS[preset], **chosen)


def _label_names(labels: str) -> list[str]:
    from ..errors import Errors, SentimentError

    names = [name.strip() for name in labels.split(",")]
    if len(names) < 2 or len(set(names)) < len(names) or not all(names):
        raise SentimentError(Errors.S022.format(labels=repr(labels)))
    return names


def _measure(nlp: Any, dev_texts: "list[LabelledText]", labels: list[str]) -> "dict[str, Figures]":
    from ..reporting.figures import measure
    from ..text import strip_emoticons

    stripped = [text._replace(text=strip_emoticons(text.text)) for text in dev_texts]
    return {_AS_THEY_ARE: measure(nlp, labels, dev_texts), "emoticons stripped": measure(nlp, labels, stripped)}


def _write_report(
    directory: Path,
    name: str,
    trained: "Trained",
    figures: "dict[str, Figures]",
    texts: "list[LabelledText]",
    sources: tuple[str, str],
    settings: "Settings",
) -> None:
    from ..model.storage import write_whole_file
    from ..reporting.report import Data, training_report

    data = [
        Data("training", sources[0], texts),
        Data("held out", sources[1], figures[_AS_THEY_ARE].texts),
    ]
    # Not among the sealed files: the model is whole without it, and it holds texts that one may not want to hand on.
    html = training_report(trained.nlp, name, figures, trained.history, data, settings)
    write_whole_file(directory / "report.html", html)


def _print_figures(figures: "dict[str, Figures]", output: Path, report: bool) -> None:
    import wasabi

    rows = [
        (name, each.n_texts, f"{each.accuracy:.4f}", f"{each.macro_recall:.4f}")
        for name, each in ((name, figure.evaluation) for name, figure in figures.items())
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
        self.bar.update(1)
