import pytest

from spacy_trax_sentiment.errors import MissingExtraError, SentimentError, errors_at


def test_the_boundary_adds_the_place_after_the_code() -> None:
    with pytest.raises(SentimentError, match=r"^\[S012\] a\.jsonl: texts of one label only$"), errors_at("a.jsonl"):
        raise SentimentError("[S012] texts of one label only")
    with pytest.raises(MissingExtraError), errors_at("a.jsonl"):
        raise MissingExtraError("[S040] Trax is not installed")
