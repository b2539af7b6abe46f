"""Run a test of test_hostile_input.py with atheris, which looks for inputs that reach new code.

    python tests/fuzz/guided.py test_a_table_is_read_or_refused -max_total_time=60

Options after the test's name go to libFuzzer. It exits with 0, or at the first input that fails. atheris has wheels for
Linux only, so no extra includes it: `pip install atheris`, or `nox -s fuzz`.
"""

import sys

import atheris

with atheris.instrument_imports(include=["spacy_trax_sentiment"]):
    import test_hostile_input


def main() -> None:
    name, *options = sys.argv[1:]
    test = getattr(test_hostile_input, name)
    atheris.Setup([sys.argv[0], *options], test.hypothesis.fuzz_one_input)
    atheris.Fuzz()


main()
