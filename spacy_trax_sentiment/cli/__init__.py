"""The console script `trax-sentiment`: one file per command. Nothing else in the package prints or exits.

- `options.py`: the options that commands share; `common.py`: reading texts, logging, printing and progress bars
- `train.py`, `evaluate.py`, `predict.py`, `aspects.py`, `explain.py`, `serve.py`, `info.py`, `compact.py`,
  `init_config.py`: the commands
"""

import errno
import io
import os
import sys
from typing import Annotated, Any, NoReturn

import typer

from ..about import __version__
from ..errors import Errors, SentimentError, TrainingInterrupted, reason_of
from .aspects import aspects
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
  1    unusable input, explained in one line on standard error; no file is left half written
  2    wrong usage
  130  interrupted; `train` saves a checkpoint for --resume

Colours and progress bars appear only in terminals. Set NO_COLOR to turn colours off.
"""

app = typer.Typer(
    name=PROGRAM,
    help=HELP,
    context_settings={"help_option_names": ["--help", "-h"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


for command in (train, evaluate, predict, aspects, explain, serve, info, compact, init_config):
    app.command()(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"{PROGRAM} {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True, help=HELP)
def program(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Print the help if no command is given; the exit status is then that of wrong usage, as with click's groups."""
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(2)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the console script with these arguments, or those of the command line."""
    if sys.stderr is None:  # closed, as by `2>&-`; print() would fall back to standard output
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 (until the process ends)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a character that its encoding lacks is no reason to fail
    try:
        status = app(args=arguments, prog_name=PROGRAM, standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except SentimentError as error:
        _fail(str(error), 1)
    except TrainingInterrupted as interrupted:
        _fail(str(interrupted), 130)
    except (KeyboardInterrupt, typer.Abort):
        _fail("interrupted; nothing was written.", 130)
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.ENOSPC, errno.EIO):
            raise
        # The reader of our output has gone, or a disk is full. Python must not fail once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            sys.exit(1)
        from ..tables.writers import STANDARD_OUTPUT

        _fail(Errors.S069.format(path=STANDARD_OUTPUT, reason=reason_of(error)), 1)
    except Exception as error:
        # Some versions of typer bring their own click, others import it: recognize its errors by what they can do.
        if not hasattr(error, "format_message"):
            raise
        context: Any = getattr(error, "ctx", None)
        path = PROGRAM if context is None else context.command_path
        message = error.format_message().rstrip(".")
        _fail(f"{message}{'' if message.endswith('?') else '.'} See `{path} --help`.", 2)
    sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str, status: int) -> NoReturn:
    print(f"{PROGRAM}: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(status)
