"""Run a test of test_hostile_input.py by atheris, which looks for inputs that reach what no input has reached yet.

    python tests/fuzz/guided.py test_a_table_is_read_or_refused -max_total_time=60

What follows the test's name is libFuzzer's. It ends with 0, or with the first input that fails. atheris has wheels for
Linux alone, so it is no extra: `pip install atheris`, or `nox -s fuzz`.
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
