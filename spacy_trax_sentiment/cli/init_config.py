"""`trax-sentiment init-config`: a bundled config to one for `spacy train`, completed with spaCy's defaults."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from . import options

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Config to print: 'default', or 'seed' for that of the course notebook.")
]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="File to write to, in place of standard output.")]


def init_config(name: Name = "default", output: Output = None, overwrite: options.Overwrite = False) -> None:
    """Print a config for `spacy train`.

    \b
    Examples:
      trax-sentiment init-config > config.cfg
      trax-sentiment init-config seed --output seed.cfg
      python -m spacy train config.cfg --output trained --paths.train reviews.jsonl --paths.dev dev.jsonl
    """
    from ..storage.whole import require_free_file, write_file

    if output is not None:
        require_free_file(output, overwrite)
    text = filled_config(name)
    if output is None:
        print(text, end="")
    else:
        write_file(output, text, overwrite)


def filled_config(name: str) -> str:
    """Return the text of a config of the package, with the rest filled in as `spacy init fill-config` does."""
    from spacy.util import load_model_from_config
    from thinc.api import Config

    from ..errors import Errors, SentimentError

    folder = files("spacy_trax_sentiment.configs")
    names = sorted(entry.name.removesuffix(".cfg") for entry in folder.iterdir() if entry.name.endswith(".cfg"))
    if name not in names:
        raise SentimentError(Errors.S024.format(name=name, names=", ".join(names)))
    text = (folder / f"{name}.cfg").read_text(encoding="utf-8")
    nlp = load_model_from_config(Config().from_str(text, interpolate=False), auto_fill=True)
    comments = "\n".join(line for line in text.splitlines() if line.startswith("#"))
    return f"{comments}\n\n{nlp.config.to_str(interpolate=False)}\n"
