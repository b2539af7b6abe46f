from pathlib import Path

import pytest

import spacy_trax_sentiment
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.text.resources import find_resource


def test_a_file_is_found_by_its_path_or_in_a_package(tmp_path: Path) -> None:
    assert find_resource(str(tmp_path / "a:b.txt")) == tmp_path / "a:b.txt"
    assert find_resource("vocab.txt") == Path("vocab.txt")
    of_package = find_resource("spacy_trax_sentiment:samples/templates.json")
    assert of_package == Path(spacy_trax_sentiment.__path__[0], "samples/templates.json")


def test_a_package_that_is_not_installed_is_named_with_the_remedy() -> None:
    with pytest.raises(SentimentError, match=r"S055.*no_such_package.*pip install --no-deps no-such-package"):
        find_resource("no_such_package:a/b")
