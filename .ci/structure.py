"""Check the package's size: prints every file, function or total above its limit, and exits with 1 if there is any.

A command's options are parameters with help texts, so the function in cli/ that has its file's name is exempt.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "spacy_trax_sentiment"
MOST_LINES_OF_PACKAGE = 19_000
MOST_LINES_OF_FILE = 300
MOST_LINES_OF_FUNCTION = 60
MOST_PARAMETERS = 12


def offenders() -> Iterator[str]:
    total = 0
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        name, n_lines = path.relative_to(PACKAGE.parent), len(source.splitlines())
        total += n_lines
        if n_lines > MOST_LINES_OF_FILE:
            yield f"{name}: {n_lines} lines, at most {MOST_LINES_OF_FILE}"
        for node in ast.walk(ast.parse(source)):
            is_command = path.parent.name == "cli" and getattr(node, "name", "") == path.stem
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not is_command:
                n_lines = (node.end_lineno or node.lineno) - node.lineno + 1
                n_parameters = sum(isinstance(child, ast.arg) for child in ast.walk(node.args))
                if n_lines > MOST_LINES_OF_FUNCTION:
                    yield f"{name}:{node.lineno} {node.name}: {n_lines} lines, at most {MOST_LINES_OF_FUNCTION}"
                if n_parameters > MOST_PARAMETERS:
                    yield f"{name}:{node.lineno} {node.name}: {n_parameters} parameters, at most {MOST_PARAMETERS}"
    if total > MOST_LINES_OF_PACKAGE:
        yield f"{PACKAGE.name}: {total:,} lines in all, at most {MOST_LINES_OF_PACKAGE:,}"
    print(f"{PACKAGE.name}: {total:,} lines")


found = list(offenders())
print(*found, sep="\n", end="\n" if found else "")
sys.exit(bool(found))
