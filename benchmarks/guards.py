"""Take each guard against a fault out of the package: does a test fail then?

    python benchmarks/guards.py [--only WORD]

Works on a copy of the repository, where the tests named below are run: as it is, when they must pass, and then without
each guard. Needs the extra `dev`.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import wasabi

ROOT = Path(__file__).parents[1]
PACKAGE = "spacy_trax_sentiment"
# What pytest ends with where a test fails, and where it is interrupted as by Ctrl-C.
_FAILS = 1, 2
_SECONDS = 120


class Guard(NamedTuple):
    """fault: What it guards against. file: Of the package. code: Where it is, which occurs once. without: What stands
    there when it is gone. test: The file of the test that fails then, and words of its name.
    """

    fault: str
    file: str
    code: str
    without: str
    test: str


GUARDS = [
    # Training
    Guard(
        "a kill while a checkpoint is written",
        "training/checkpoints.py",
        '            new = work / "new"\n            new.mkdir()\n            for name',
        "            new = place\n            new.mkdir()\n            for name",
        "training/test_checkpoints.py::leaves_the_checkpoint_before",
    ),
    Guard(
        "a disk that is full at a checkpoint",
        "training/checkpoints.py",
        "        with os_errors_as(Errors.S121, self.directory):\n            self._write",
        "        if True:\n            self._write",
        "training/test_checkpoints.py::leaves_the_checkpoint_before",
    ),
    Guard(
        "a directory that cannot be written",
        "training/checkpoints.py",
        "    except OSError as error:\n        raise SentimentError(Errors.S032",
        "    except ZeroDivisionError as error:\n        raise SentimentError(Errors.S032",
        "training/test_checkpoints.py::cannot_be_made_is_told",
    ),
    Guard(
        "weights that are not finite in a checkpoint",
        "training/checkpoints.py",
        "            if not np.isfinite(array).all():",
        "            if False:",
        "training/test_checkpoints.py::what_is_not_finite_is_not_saved",
    ),
    Guard(
        "a loss that is not finite",
        "training/progress.py",
        "            if not math.isfinite(value):",
        "            if False:",
        "cli/test_cli.py::a_loss_that_is_not_finite",
    ),
    Guard(
        "data or settings that change between runs",
        "training/checkpoints.py",
        "            if facts.get(name) != checkpoint.facts.get(name):",
        "            if False:",
        "training/test_checkpoints.py::refused",
    ),
    Guard(
        "a checkpoint that is damaged",
        "training/checkpoints.py",
        "read_sealed(MANIFEST, reader(directory), directory)\n            content",
        "{path.name: path.read_bytes() for path in directory.iterdir()}\n            content",
        "training/test_checkpoints.py::a_damaged_checkpoint",
    ),
    Guard(
        "two runs into one directory",
        "training/checkpoints.py",
        "        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "        pass",
        "training/test_checkpoints.py::a_second_run",
    ),
    Guard(
        "Ctrl-C within a step",
        "training/resuming.py",
        "        signal.signal(signal.SIGINT, interrupt)",
        "        pass",
        "training/test_checkpoints.py::an_interrupted_run_that_goes_on",
    ),
    Guard(
        "a kill between the model's place and the checkpoint's end",
        "training/checkpoints.py",
        "        return outcome.read_bytes() == directory_manifest(output)",
        "        return False",
        "cli/test_cli.py::killed_with_its_model_in_place",
    ),
    Guard(
        "data drawn again after a kill",
        "training/loop.py",
        "                _pass_over(batches, dev_batches, start.step, settings)",
        "                pass",
        "training/test_checkpoints.py::an_interrupted_run_that_goes_on",
    ),
    # Model files
    Guard(
        "an error while a model is replaced",
        "storage.py",
        "        if replaced:\n            aside.rename(path)\n        raise",
        "        raise",
        "test_storage.py::puts_the_old_pipeline_back",
    ),
    Guard(
        "a directory that is no model, to be overwritten",
        "storage.py",
        "    if path.is_symlink() or not all(",
        "    if False and not all(",
        "test_storage.py::never_replaced",
    ),
    Guard(
        "a byte of a model that changed",
        "model/files.py",
        "    elif hashlib.sha256(data).hexdigest() != sha256:",
        "    elif False:",
        "model/test_files.py::flipped_byte",
    ),
    Guard(
        "a file of a model that is cut short",
        "model/files.py",
        "    data = _read(read, name, where)\n    if len(data) != size:",
        "    data = _read(read, name, where)\n    if True:\n        return data\n    if len(data) != size:",
        "model/test_files.py::truncated",
    ),
    Guard(
        "a model of a newer format",
        "model/files.py",
        "        if isinstance(version, int) and version > FORMAT_VERSION:",
        "        if False:",
        "model/test_files.py::newer_format",
    ),
    Guard(
        "a pickle within a model",
        "text/npy.py",
        "np.load(io.BytesIO(data), allow_pickle=False)",
        "np.load(io.BytesIO(data), allow_pickle=True)",
        "model/test_files.py::pickle",
    ),
    Guard(
        "a path out of the model's directory",
        "model/files.py",
        '            if PurePath(file).is_absolute() or ".." in PurePath(file).parts:',
        "            if False:",
        "model/test_hostile_files.py::within_its_directory",
    ),
    Guard(
        "an array that claims more than it holds",
        "text/npy.py",
        "    if not dtype.hasobject and claimed != there:",
        "    if False:",
        "model/test_hostile_files.py::before_they_take_memory",
    ),
    Guard(
        "a packed file that unpacks to gigabytes",
        "text/npy.py",
        "    if claimed > most_bytes:",
        "    if False:",
        "model/test_hostile_files.py::before_they_take_memory",
    ),
    Guard(
        "a packed file that claims less than it holds",
        "text/npy.py",
        "file.read(member.file_size + 1)",
        "file.read()",
        "model/test_hostile_files.py::unpacked_no_further",
    ),
    Guard(
        "settings of a model that would take memory without end",
        "model/files.py",
        "        if type(value) is not int or not 0 <= value <= most:",
        "        if False:",
        "model/test_hostile_files.py::before_they_take_memory",
    ),
    Guard(
        "a device or pipe in a model's place",
        "model/files.py",
        "        if not stat.S_ISREG(path.stat().st_mode):",
        "        if False:",
        "model/test_hostile_files.py::no_regular_file",
    ),
    Guard(
        "a model that is replaced while it is read",
        "pipelines.py",
        "            if _state(path) == before:\n                return nlp",
        "            return nlp",
        "test_pipelines.py::loaded_anew or replaced_each_time",
    ),
    Guard(
        "a model that is replaced while its checksums are compared",
        "pipelines.py",
        "            if _state(path) == before:\n                raise",
        "            raise",
        "test_pipelines.py::while_it_is_checked",
    ),
    # Input
    Guard(
        "a line of a gigabyte",
        "text/lines.py",
        "partial(file.readline, LINE_LIMIT + 1)",
        "file.readline",
        "text/test_lines.py::gigabyte",
    ),
    Guard(
        "a cell of CSV without end",
        "text/lines.py",
        "            if n_chars > LINE_LIMIT:",
        "            if False:",
        "text/test_lines.py::a_row_of_many_lines",
    ),
    Guard(
        "JSON that is nested 100,000 deep",
        "text/lines.py",
        "    except RecursionError:\n",
        "    except ZeroDivisionError:\n",
        "text/test_lines.py::nested_deep",
    ),
    Guard(
        "JSON that is nested deeper than what reads it later",
        "text/lines.py",
        " and _is_deeper(value, DEPTH_LIMIT):",
        " and False:",
        "text/test_lines.py::nested_deep",
    ),
    Guard(
        "bytes that are not UTF-8",
        "text/lines.py",
        "        except UnicodeDecodeError as error:",
        "        except ZeroDivisionError as error:",
        "serving/test_tables.py::what_cannot_be_read",
    ),
    Guard(
        "a regular expression that backtracks without end",
        "serving/writers.py",
        "[+-]?[0-9.,]+(?:",
        "[+-]?(?:[0-9]+[.,]?)+(?:",
        "test_regular_expressions.py::backtracks",
    ),
    Guard(
        "a lone surrogate",
        "serving/bulk.py",
        "        return list(map(without_surrogates, texts))",
        "        return texts",
        "serving/test_bulk.py::odd_texts",
    ),
    # Output
    Guard(
        "an error while output is written",
        "serving/writers.py",
        '            work = stack.enter_context(work_directory(path))\n            file = (work / "new").open(',
        "            work = stack.enter_context(work_directory(path))\n            file = path.open(",
        "serving/test_tables.py::leaves_what_was_there",
    ),
    Guard(
        "a full disk",
        "serving/tables.py",
        "    except OSError as error:\n        raise SentimentError(Errors.S069",
        "    except ZeroDivisionError as error:\n        raise SentimentError(Errors.S069",
        "serving/test_tables.py::full_disk",
    ),
    Guard(
        "an output that is the input",
        "serving/writers.py",
        "    if read is not None and read.exists() and path.samefile(read):",
        "    if False:",
        "serving/test_tables.py::never_the_output",
    ),
    Guard(
        "formulas in CSV",
        "serving/writers.py",
        '    return f"\'{cell}" if is_formula else cell',
        "    return cell",
        "serving/test_tables.py::formulas",
    ),
    Guard(
        "a text that looks like HTML",
        "explanation/rendering.py",
        "    text = escape(token.text)",
        "    text = token.text",
        "explanation/test_rendering.py::looks_like_html",
    ),
    # Many processes
    Guard(
        "a worker process that is killed",
        "serving/engines.py",
        "        except BrokenProcessPool as error:",
        "        except ZeroDivisionError as error:",
        "serving/test_jobs.py::a_process_that_is_killed",
    ),
    Guard(
        "a part that kills its process each time",
        "serving/engines.py",
        "                if attempts[part] < _ATTEMPTS:",
        "                if True:",
        "serving/test_jobs.py::given_up",
    ),
    Guard(
        "rows scored twice after a kill",
        "serving/jobs.py",
        "    if (Path(job.output) / part.name).exists():",
        "    if False:",
        "serving/test_jobs.py::is_not_done_again",
    ),
    Guard(
        "the output of another model's run",
        "serving/jobs.py",
        '        if field != "inputs" and before.get(field) != value:',
        "        if False:",
        "serving/test_jobs.py::another_run",
    ),
    Guard(
        "a corrupt file among good ones",
        "serving/jobs.py",
        "    except SentimentError as error:\n        return Outcome(part, error=str(error))",
        "    except ZeroDivisionError as error:\n        return Outcome(part, error=str(error))",
        "serving/test_jobs.py::bad_files or corrupt",
    ),
    Guard(
        "an array whose header Python cannot parse",
        "text/npy.py",
        "    except Exception as error:  # whatever",
        "    except ZeroDivisionError as error:  # whatever",
        "model/test_hostile_files.py::refused_before_they_take_memory",
    ),
    Guard(
        "Parquet to be scored whose strings are no text",
        "serving/parquet.py",
        "            data.validate(full=True)",
        "            pass",
        "serving/test_tables.py::bytes_that_are_no_text",
    ),
    Guard(
        "Parquet to learn from whose values are none of Python's",
        "training/corpora.py",
        "        except (pyarrow.ArrowException, ValueError, OverflowError) as error:",
        "        except pyarrow.ArrowException as error:",
        "training/test_corpora.py::values_are_none",
    ),
    # The server
    Guard(
        "a body without end",
        "web/bodies.py",
        "                    if size > most * _LET_BY:\n                        break\n                    continue",
        "                    pass",
        "web/test_app.py::refused_while_it_streams",
    ),
    Guard(
        "bodies that fill the memory together",
        "web/bodies.py",
        "                if self._waiting > self._limits.waiting_bytes:",
        "                if False:",
        "web/test_app.py::bodies_that_wait",
    ),
    Guard(
        "a table that grows without bound",
        "web/tables.py",
        "            if file.tell() > most_bytes:",
        "            if False:",
        "web/test_app.py::grow_without_bound",
    ),
    Guard(
        "a fault of ours",
        "web/app.py",
        "    @app.exception_handler(Exception)\n",
        "",
        "web/test_app.py::a_fault_of_ours",
    ),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", default="", help="take the guards whose fault holds this")
    guards = [guard for guard in GUARDS if parser.parse_args().only in guard.fault]
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for name in (PACKAGE, "tests", "benchmarks", "docs"):
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "setup.cfg", "README.md"):
            shutil.copy(ROOT / name, root)
        for guard in guards:
            path = root / PACKAGE / guard.file
            code = path.read_text("utf-8")
            if code.count(guard.code) != 1:
                sys.exit(f"{guard.file}: holds the code of this guard {code.count(guard.code)} times: {guard.fault}")
            passed = run_test(guard.test, root)
            path.write_text(code.replace(guard.code, guard.without), "utf-8")
            failed = run_test(guard.test, root)
            path.write_text(code, "utf-8")
            good = passed == 0 and failed in _FAILS
            result = "fails" if good else f"NO: exit status {passed} with it, {failed} without"
            rows.append((guard.fault, guard.file, guard.test.partition("::")[0], result))
            print(*rows[-1], sep=" | ", file=sys.stderr, flush=True)
    n_good = sum(row[-1] == "fails" for row in rows)
    print(wasabi.table(rows, header=("fault", "guard", "test", "without the guard"), divider=True), end="")
    print(f"{n_good} of {len(rows)} guards have a test that fails without them")
    sys.exit(n_good < len(rows))


def run_test(test: str, root: Path) -> int:
    """RETURNS: pytest's exit status: 0 where all passed."""
    file, _, words = test.partition("::")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"tests/{file}", "-k", words]
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return subprocess.run(command, cwd=root, env=environment, capture_output=True, timeout=_SECONDS).returncode
    except subprocess.TimeoutExpired:
        return _FAILS[0]  # it waits for what never comes


if __name__ == "__main__":
    main()
