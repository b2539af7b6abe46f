"""Options with the same name and meaning in several commands."""

from pathlib import Path
from typing import Annotated

import typer

MODEL_HELP = "A pipeline directory, as written by `train`, or a bundled model: en, en_ternary, en_trf or en_auto."


def split_labels(labels: str) -> tuple[str, ...]:
    """Return labels that are separated by commas."""
    return tuple(label.strip() for label in labels.split(","))


def kept_labels(only_labels: str | None) -> tuple[str, ...] | None:
    """Return the labels that --only-labels names, None if it is not given."""
    return None if only_labels is None else split_labels(only_labels)


def complete_model(incomplete: str) -> list[str]:
    """Return the bundled models and the directories whose name or path begins with `incomplete`."""
    from ..pretrained import bundled_names

    folder, _, _ = incomplete.rpartition("/")
    try:
        beside = [str(each) for each in sorted(Path(folder or ".").iterdir()) if each.is_dir()]
    except OSError:
        beside = []
    return [name for name in dict.fromkeys([*bundled_names(), *beside]) if name.startswith(incomplete)]


Model = Annotated[str, typer.Option("--model", "-m", help=MODEL_HELP, autocompletion=complete_model)]
ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help=MODEL_HELP, autocompletion=complete_model)]
Input = Annotated[
    str | None, typer.Option("--input", "-i", help="Table to read, or - for standard input (the default).")
]
OnlyLabels = Annotated[
    str | None,
    typer.Option(
        metavar="LABELS",
        help="The model's labels to keep, separated by commas. Their probabilities then sum to 1.",
        show_default="all",
    ),
]
InputFormat = Annotated[
    str | None,
    typer.Option(
        "--input-format",
        help="jsonl, json (an array), csv, tsv, txt (one text per line), parquet or xlsx (its first sheet).",
        show_default="from the suffix; txt for standard input",
    ),
]
Encoding = Annotated[
    str | None, typer.Option(help="Encoding of text formats, such as cp1252 or utf-16.", show_default="utf-8")
]
Delimiter = Annotated[
    str | None,
    typer.Option(help="Delimiter of CSV input; CSV output keeps it.", show_default="from the header: , ; | or tab"),
]
TextColumn = Annotated[str, typer.Option("--text-column", help="Column that holds the text.")]
LabelColumn = Annotated[str, typer.Option("--label-column", help="Column that holds the label.")]
_MAP_HELP = "Map from the labels of the data to those of the model, such as '1,2=negative 3=neutral 4,5=positive'."
LabelMap = Annotated[str | None, typer.Option("--label-map", metavar="MAP", help=_MAP_HELP)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists.")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write an HTML page to this file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
_QUIET_HELP = "Show no progress or warnings. Rows and files without scores are still reported."
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help=_QUIET_HELP)]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log each step to standard error.")]
