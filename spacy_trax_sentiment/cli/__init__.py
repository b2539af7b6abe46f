"""The console script `trax-sentiment`: the only part that prints and exits, one file a command."""

import os
import sys
from typing import NoReturn

import typer

from ..errors import SentimentError, TrainingInterrupted
from .compact import compact
from .evaluate import evaluate
from .explain import explain
from .info import info
from .init_config import init_config
from .predict import predict
from .serve import serve
from .train import train

PROGRAM = "trax-sentiment"

HELP = """Train, measure, use and explain sentiment models for spaCy.

\b
Examples:
  trax-sentiment predict "What a lovely day"
  trax-sentiment explain "not bad at all, but slow"
  trax-sentiment train reviews.jsonl --output model
  trax-sentiment COMMAND --help

\b
Exit status:
  0    done
  1    input that cannot be used, told in one line on standard error; nothing was written
  2    wrong usage
  130  interrupted; nothing was written

Colours and progress bars are for terminals alone; no colours where NO_COLOR is set.
"""

app = typer.Typer(
    name=PROGRAM,
    help=HELP,
    context_settings={"help_option_names": ["--help", "-h"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (train, evaluate, predict, explain, serve, info, compact, init_config):
    app.command()(command)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the console script. arguments: Those of the command line, where None."""
    try:
        status = app(args=arguments, prog_name=PROGRAM, standalone_mode=False)
    except SentimentError as error:
        _fail(str(error), 1)
    except TrainingInterrupted as interrupted:
        _fail(str(interrupted), 130)
    except (KeyboardInterrupt, typer.Abort):
        _fail("interrupted; nothing was written.", 130)
    except BrokenPipeError:
        # Whoever read our output has gone. Python must not fail once more as it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        # Typer brings its own click in some versions and imports it in others: know its errors by what they can do.
        if not hasattr(error, "format_message"):
            raise
        _fail(f"{error.format_message().rstrip('.')}. See `{PROGRAM} --help`.", 2)
    sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str, status: int) -> NoReturn:
    print(f"{PROGRAM}: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(status)
