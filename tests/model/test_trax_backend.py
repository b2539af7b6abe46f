import inspect
import random
import subprocess
import sys

import numpy as np
import pytest

from spacy_trax_sentiment.model import trax_backend

pytestmark = pytest.mark.slow


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_importing_trax_prints_nothing_and_restores_inspect() -> None:
    result = _run(
        "import inspect; before = inspect.stack, inspect.getframeinfo\n"
        "import spacy_trax_sentiment.model.trax_backend as backend\n"
        "assert (inspect.stack, inspect.getframeinfo) == before\n"
        "backend.tl.Dense(2)"
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_without_trax_the_error_names_the_extra() -> None:
    result = _run(
        "import sys; sys.modules['trax'] = None\n"
        "from spacy_trax_sentiment.errors import MissingExtraError\n"
        "try:\n    import spacy_trax_sentiment.model.trax_backend\n"
        "except MissingExtraError as error:\n    print(error)"
    )
    assert "S040" in result.stdout
    assert "pip install '.[train]'" in result.stdout


def test_the_light_stack_names_the_file_line_and_function_of_the_caller() -> None:
    light, full = trax_backend._light_stack()[0], inspect.stack()[0]
    assert (light.filename, light.lineno, light.function) == (full.filename, full.lineno, full.function)
    frame = light.frame
    light_info, info = trax_backend._light_getframeinfo(frame), inspect.getframeinfo(frame)
    assert (light_info.filename, light_info.function) == (info.filename, info.function)


def test_a_quiet_loop_prints_nothing_and_restores_the_random_states(capsys) -> None:  # type: ignore[no-untyped-def]
    python_state, numpy_state = random.getstate(), np.random.get_state()[1].copy()
    with trax_backend.quiet_loop() as stdout:
        random.seed(1)
        np.random.seed(1)
        print("lost")
        print("kept", file=stdout)
    assert random.getstate() == python_state
    assert (np.random.get_state()[1] == numpy_state).all()
    assert capsys.readouterr().out == "kept\n"
