"""`trax-sentiment train`: labelled texts to a pipeline directory."""

import logging
import sys
from contextlib import nullcontext
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import Errors, SentimentError
from . import options
from .common import print_table, progress, set_verbosity

if TYPE_CHECKING:
    from ..evaluation.figures import Evaluation
    from ..training.labelled import Corpus
    from ..training.progress import Progress
    from ..training.run import Trained
    from ..training.settings import Settings

logger = logging.getLogger(__name__)

_SOURCE_HELP = (
    "Labelled texts: a .jsonl, .ndjson, .json, .csv, .tsv, .parquet or .xlsx file, or a named source such as"
    " nltk:twitter_samples or bundled:short_texts. With --config: directory of the recipe's files."
)
_CONFIG_HELP = (
    "Recipe that mixes sources: a .cfg file, or a bundled one: en, en_ternary_start, en_ternary, en_trf_start,"
    " en_trf_targets or en_trf."
)
_INIT_HELP = "Model to start from: a pipeline directory, or a bundled model. Its labels must be among yours."
_DEV_HELP = "Held-out texts. By default, the last fifth of each label's texts is held out."
_PRESET_HELP = "Settings to start from: 'default', or 'seed' for those of the course notebook."
_EVERY_HELP = "Number of steps between checkpoints, which are saved beside the output."
_PARALLEL_HELP = "Split each batch over all devices. Each step then updates all rows of the embedding."

Source = Annotated[str, typer.Argument(metavar="SOURCE", help=_SOURCE_HELP)]
Output = Annotated[Path, typer.Option("--output", "-o", help="Directory to write the spaCy pipeline to.")]
Dev = Annotated[str | None, typer.Option(help=_DEV_HELP)]
Config = Annotated[str | None, typer.Option(help=_CONFIG_HELP)]
InitFrom = Annotated[str | None, typer.Option(help=_INIT_HELP, autocompletion=options.complete_model)]
Preset = Annotated[str, typer.Option(help=_PRESET_HELP)]
Lang = Annotated[
    str, typer.Option(help="Language of the texts, by spaCy's code. All but 'en' have defaults of their own.")
]
Lexicon = Annotated[
    Path | None, typer.Option(help="Words in place of the lexicons: each line a word, a tab and its valence.")
]
Steps = Annotated[int | None, typer.Option(help="Number of batches to train on.", show_default="300; preset seed: 100")]
BatchSize = Annotated[int | None, typer.Option(help="Texts per batch.", show_default="32; preset seed: 16")]
LearningRate = Annotated[float | None, typer.Option(help="Adam's learning rate.", show_default="0.01")]
EmbeddingDim = Annotated[int | None, typer.Option(help="Width of the embedding.", show_default="32; preset seed: 256")]
Seed = Annotated[int | None, typer.Option(help="Random seed of weights and order.", show_default="0; preset seed: 271")]
Balanced = Annotated[
    bool | None,
    typer.Option("--balanced/--no-balanced", help="Equally many texts per label in a batch.", show_default="balanced"),
]
Labels = Annotated[str | None, typer.Option(help="Labels, separated by commas.", show_default="those of the data")]
CheckpointEvery = Annotated[int | None, typer.Option(help=_EVERY_HELP, show_default="none")]
Resume = Annotated[bool, typer.Option("--resume", help="Continue from the checkpoint of an interrupted run, if any.")]
Report = Annotated[bool, typer.Option("--report/--no-report", help="Write report.html into the output directory.")]
DataParallel = Annotated[bool, typer.Option("--data-parallel", help=_PARALLEL_HELP)]
TensorBoard = Annotated[Path | None, typer.Option("--tensorboard", help="Directory for TensorBoard's files.")]


def train(
    source: Source,
    output: Output,
    dev: Dev = None,
    config: Config = None,
    init_from: InitFrom = None,
    preset: Preset = "default",
    lang: Lang = "en",
    lexicon: Lexicon = None,
    steps: Steps = None,
    batch_size: BatchSize = None,
    learning_rate: LearningRate = None,
    embedding_dim: EmbeddingDim = None,
    seed: Seed = None,
    balanced: Balanced = None,
    labels: Labels = None,
    text_column: options.TextColumn = "text",
    label_column: options.LabelColumn = "label",
    encoding: options.Encoding = None,
    label_map: options.LabelMap = None,
    overwrite: options.Overwrite = False,
    checkpoint_every: CheckpointEvery = None,
    resume: Resume = False,
    report: Report = True,
    data_parallel: DataParallel = False,
    tensorboard: TensorBoard = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Train a pipeline and measure it.

    It is measured on held-out texts, with a report in the output directory.

    Needs the extra `train`; from a clone: pip install '.[train]'.

    \b
    Examples:
      trax-sentiment train reviews.jsonl --dev dev.jsonl --output model
      trax-sentiment train kritiken.csv --lang de --output modell
      trax-sentiment train reviews.jsonl --init-from en --learning-rate 0.001 --output model
      trax-sentiment train data --config en --output model
      trax-sentiment train reviews.jsonl --tensorboard runs/one --output model
    """
    set_verbosity(quiet, verbose)
    from ..errors import PYTHON_WITHOUT_TRAX, missing_train_extra
    from ..evaluation.plots import require_matplotlib
    from ..pipelines import load, save
    from ..storage.whole import whole_directory, write_file
    from ..training.checkpoints import open_checkpoints
    from ..training.corpora import read_corpus, without_leaks
    from ..training.labelled import parse_label_map
    from ..training.recipes import mix, read_recipe
    from ..training.settings import PRESETS, Settings, fit_settings

    others = {"--dev": dev, "--labels": labels, "--label-map": label_map, "--encoding": encoding}
    unused = [name for name, value in others.items() if value is not None]
    unused += ["--text-column"] * (text_column != "text") + ["--label-column"] * (label_column != "label")
    unused += ["--preset"] * (preset != "default") + ["--lang"] * (lang != "en")
    if config is not None and unused:
        raise typer.BadParameter(f"give --config or {' and '.join(unused)}, not both")
    if init_from is not None and (lang != "en" or lexicon is not None):
        raise typer.BadParameter("give --init-from without --lang and --lexicon: a model keeps its own")
    if PYTHON_WITHOUT_TRAX and find_spec("trax") is None:
        raise missing_train_extra(ImportError(name="trax"))
    if report:
        require_matplotlib()
    chosen: dict[str, Any] = {
        "steps": steps,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "embedding_dim": embedding_dim,
        "seed": seed,
        "balanced": balanced,
        "data_parallel": data_parallel or None,
        "row_steps": False if data_parallel else None,
        "lexicon": None if lexicon is None else str(lexicon),
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    if config is None:
        names = None if labels is None else options.split_labels(labels)
        if names is not None and (len(set(names)) < max(len(names), 2) or not all(names)):
            raise SentimentError(Errors.S022.format(labels=repr(labels)))
        if preset not in PRESETS:
            raise SentimentError(Errors.S023.format(name=preset, names=", ".join(PRESETS)))
        reading: dict[str, Any] = {"text_column": text_column, "label_column": label_column, "encoding": encoding}
        reading["label_map"] = parse_label_map(label_map)
        corpus = read_corpus(source, dev, labels=names, **reading)
        if preset == "default":
            settings = Settings.for_language(lang, len(corpus.texts), **given)
        else:
            settings = replace(PRESETS[preset], **given, lang=lang)
    else:
        recipe = read_recipe(config)
        settings, corpus = replace(recipe.settings, **given), mix(recipe, Path(source))
    settings = fit_settings(settings, len(corpus.labels))
    start = None if init_from is None else load(init_from)
    with (
        open_checkpoints(output, checkpoint_every, resume=resume, overwrite=overwrite) as checkpoints,
        whole_directory(output, overwrite or checkpoints.is_done(output), checkpoints.directory) as directory,
    ):
        if not quiet:
            sizes = f"{len(corpus.texts)} texts to train on, {len(corpus.held_out)} held out"
            print(f"Labels: {', '.join(corpus.labels)}. {sizes}. Loading Trax ...", file=sys.stderr)
        trained = _train(corpus, settings, start, checkpoints, tensorboard, quiet)
        if config is not None:  # a recipe calibrates on all held-out texts, or its weights would change
            trained = trained._replace(held_out=without_leaks(corpus.texts, trained.held_out))
        # The notebook's tweets get their labels from the emoticons that it leaves in the text.
        is_seed = config is None and (preset == "seed" or source.startswith("nltk:twitter_samples"))
        figures = _measure(trained, corpus, with_stripped=is_seed)
        # Neither times nor folders are saved, so that the same training gives the same files.
        meta = trained.nlp.meta
        evaluation = next(iter(figures.values()))
        meta["performance"] = {"accuracy": evaluation.accuracy, "macro_recall": evaluation.macro_recall}
        sources = {"source": config or source, "dev": dev, "init_from": init_from}
        short = {name: None if each is None else Path(each).name for name, each in sources.items()}
        meta["trax_sentiment"]["training"] = short | meta["trax_sentiment"]["training"]
        save(trained.nlp, directory)
        if report:
            from ..evaluation.report import Data, training_report

            of_texts, of_held_out = _source_names(source, dev, config)
            data = [Data("training", of_texts, corpus.texts), Data("held out", of_held_out, trained.held_out)]
            page = training_report(trained.nlp, output.resolve().name, figures, trained.history, data, settings)
            # The report is not among the sealed files: the model is complete without it, and the texts that it quotes
            # should perhaps not be passed on.
            write_file(directory / "report.html", page)
        checkpoints.conclude(directory)
    if quiet:
        return
    rows = [(name, each.n_texts, f"{each.accuracy:.4f}", f"{each.macro_recall:.4f}") for name, each in figures.items()]
    print_table(("held-out texts", "number", "accuracy", "macro-recall"), rows)
    if report:
        print(f"Report, which quotes texts: {output / 'report.html'}")
    print(f'Saved to {output}. To use it: spacy.load("{output}")')


def _train(
    corpus: "Corpus", settings: "Settings", start: Any, checkpoints: Any, tensorboard: Path | None, quiet: bool
) -> "Trained":
    """Train with a progress bar, log lines and TensorBoard's files."""
    from ..training.run import train_on
    from ..training.tensorboard import Summaries

    with (
        progress(quiet, settings.steps, "step") as bar,
        nullcontext() if tensorboard is None else Summaries(tensorboard, settings.evaluate_every) as summaries,
    ):

        def on_step(step: "Progress") -> None:
            bar.set_postfix(loss=f"{step.loss:.4f}", dev_accuracy=f"{step.dev_accuracy:.4f}", refresh=False)
            bar.update(step.step - bar.n)
            if step.step % settings.evaluate_every == 0:
                logger.info("Step %d: loss %.4f; held out: loss %.4f, accuracy %.4f.", *step)
            if summaries is not None:
                summaries.on_step(step)

        trained = train_on(corpus, settings, start, checkpoints=checkpoints, on_step=on_step)
        if summaries is not None and trained.history:
            summaries.write(trained.history[-1])
    return trained


def _measure(trained: "Trained", corpus: "Corpus", with_stripped: bool) -> "dict[str, Evaluation]":
    """Return the figures of the held-out texts, and of targets; of the seed's texts, also without emoticons."""
    from ..evaluation.figures import measure, measure_targets
    from ..text.process_tweet import strip_emoticons

    held_out = trained.held_out
    if with_stripped:
        stripped = [text._replace(text=strip_emoticons(text.text)) for text in held_out]
        parts = {"as they are": held_out, "emoticons stripped": stripped}
        return {name: measure(trained.nlp, corpus.labels, texts) for name, texts in parts.items()}
    figures = {"all": measure(trained.nlp, corpus.labels, held_out)} if held_out else {}
    pairs = zip(corpus.held_out, corpus.held_out_spans or (), strict=False)
    targets = [(text, span) for text, span in pairs if span is not None]
    if targets:
        texts, spans = zip(*targets, strict=True)
        figures["targets"] = measure_targets(trained.nlp, texts, spans)
    return figures


def _source_names(source: str, dev: str | None, config: str | None) -> tuple[str, str]:
    """Return what a report calls the sources of the training texts and of the held-out ones."""
    if config is not None:
        return f"the recipe {_short(config)}", "its dev sources"
    return _short(source), f"the last fifth of each label in {_short(source)}" if dev is None else _short(dev)


def _short(source: str) -> str:
    return source if ":" in source else Path(source).name
