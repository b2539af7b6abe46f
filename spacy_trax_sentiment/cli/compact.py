"""`trax-sentiment compact`: a model to a smaller one, with the accuracy before and after."""

import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import Errors, SentimentError
from . import options
from .common import print_table, progress, set_verbosity

if TYPE_CHECKING:
    from spacy.language import Language

    from ..evaluation.figures import Evaluation

logger = logging.getLogger(__name__)


def compact(
    model: options.ModelArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory to write the smaller pipeline to.")],
    max_mb: Annotated[float, typer.Option(help="Maximum size of the model's files, in MB of 1,000,000 bytes.")] = 5.0,
    source: Annotated[
        str, typer.Option(help="Labelled texts to measure the accuracy on, before and after.")
    ] = "bundled:short_texts",
    text_column: options.TextColumn = "text",
    label_column: options.LabelColumn = "label",
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Make a model smaller.

    Folds its embedding, stores it as float16, and drops its weakest terms if it is still too large. The weights of an
    encoder, or of another layer that does not fold, are stored as int8. Then prints the accuracy before and after.

    \b
    Examples:
      trax-sentiment compact model --output small --max-mb 5 --source dev.jsonl
    """
    set_verbosity(quiet, verbose)
    if not 0 < max_mb < math.inf:
        raise typer.BadParameter("give a positive number of MB by --max-mb")
    from ..evaluation.figures import figure, measure, read_texts
    from ..model.cascade import is_cascade
    from ..model.compact import compact_files, files_size
    from ..pipelines import find_component, load, save
    from ..storage.whole import whole_directory

    nlp = load(model)
    component = find_component(nlp)
    if is_cascade(component.model):
        raise SentimentError(Errors.S184.format(model=model))
    texts, _ = read_texts(source, component, text_column=text_column, label_column=label_column)
    rows: list[tuple[Any, ...]] = []

    def measured(name: str, nlp: "Language") -> "Evaluation":
        found = find_component(nlp)
        logger.info("Measuring the model %s on %d texts.", name, len(texts))
        with progress(quiet, len(texts)) as bar:
            evaluation = measure(nlp, found.labels, texts, on_text=bar.update)
        figures = [figure(each, len(texts)) for each in (evaluation.accuracy, evaluation.macro_recall)]
        size = f"{files_size(found.model, found.cfg) / 1e6:.2f}"
        rows.append((name, size, len(found.model.attrs["vocabulary"]), *figures))
        return evaluation

    with whole_directory(output, overwrite) as directory:
        smaller = load(model)
        compact_files(find_component(smaller).model, find_component(smaller).cfg, round(max_mb * 1e6))
        before, after = measured("before", nlp), measured("after", smaller)
        save(smaller, directory)
    if quiet:
        return
    print_table(("model", "MB", "terms", "accuracy", "macro-recall"), rows)
    n_right, change = int(after.correct.sum()), int(after.correct.sum()) - int(before.correct.sum())
    compared = f"{abs(change)} {'more' if change > 0 else 'fewer'} than" if change else "as many as"
    print(f"Right on {n_right} of the {len(texts)} texts of {source}, {compared} before. Saved to {output}.")
