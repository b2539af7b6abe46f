import json
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.evaluation.aspects import Aspects, Row, Summary, aspects, table_rows
from spacy_trax_sentiment.evaluation.mentions import parse_targets
from spacy_trax_sentiment.tables.rows import TableBatch
from spacy_trax_sentiment.tables.sources import Source
from spacy_trax_sentiment.text.arrays import Ragged

LABELS = ("negative", "neutral", "positive")
SAID = {"good": (0.1, 0.2, 0.7), "great": (0.0, 0.1, 0.9), "bad": (0.8, 0.1, 0.1), "some": (0.2, 0.6, 0.2)}

PHRASES = st.builds("{} {}".format, st.sampled_from(list(SAID)), st.sampled_from(["film", "films", "smile", "sea"]))
TEXTS = st.none() | st.lists(PHRASES, min_size=1, max_size=4).map(", ".join)
ROWS = st.lists(st.tuples(TEXTS, st.sampled_from(["x", "y", "(blank)"])), min_size=1).map(
    lambda rows: [Row(i, *row) for i, row in enumerate(rows, 1)]
)


def score(texts: Sequence[str], targets: Sequence[Sequence[tuple[int, int]]]) -> Ragged:
    """Score each target by the word before it."""
    rows = [SAID[text[:start].split()[-1]] for text, spans in zip(texts, targets, strict=True) for start, _ in spans]
    return Ragged(np.array(rows, dtype=np.float32), np.array(list(map(len, targets)), dtype=np.int64))


def summarized(rows: Sequence[Row], size: int = 3, **options: Any) -> Aspects:
    targets = parse_targets(["film", "smile"])
    batches = [rows[i : i + size] for i in range(0, len(rows), size)]
    return aspects(batches, score, LABELS, targets, **options)


def mentioning(rows: Sequence[Row]) -> list[Row]:
    """Return the rows and two that mention the targets, so that there are summaries."""
    return [*rows, Row(len(rows) + 1, "good film, bad film", "x"), Row(len(rows) + 2, "bad smile", "y")]


def figures(found: Aspects) -> dict[Any, Any]:
    return {
        (each.target, each.group): (each.n_texts, each.n_mentions, each.counts, pytest.approx(each.polarity))
        for summaries in found.targets
        for each in summaries
    }


@given(ROWS.map(mentioning))
def test_each_text_that_mentions_a_target_counts_once(rows: list[Row]) -> None:
    found = summarized(rows)
    texts = [row.text for row in rows if row.text is not None]
    assert found.n_texts == len(texts)
    for whole, *_ in found.targets:
        assert whole.n_texts == sum(whole.counts.values()) == sum(whole.target in text for text in texts)
        assert whole.n_mentions == sum(text.count(whole.target) for text in texts)
        low, high = whole.interval
        assert whole.n_texts == 1 or -1 <= low <= whole.polarity <= high <= 1


@given(ROWS.map(mentioning))
def test_the_groups_partition_the_whole(rows: list[Row]) -> None:
    for whole, *groups in summarized(rows).targets:
        assert sum(each.n_texts for each in groups) == whole.n_texts
        assert sum(each.n_mentions for each in groups) == whole.n_mentions
        assert {label: sum(each.counts[label] for each in groups) for label in LABELS} == whole.counts
        polarity = sum(each.polarity * each.n_texts for each in groups) / whole.n_texts
        assert polarity == pytest.approx(whole.polarity)
        assert [each.n_texts for each in groups] == sorted((each.n_texts for each in groups), reverse=True)


@given(ROWS.map(mentioning), st.randoms(), st.integers(1, 5))
def test_neither_the_order_of_the_rows_nor_their_batches_change_the_figures(
    rows: list[Row], random: Any, size: int
) -> None:
    expected = figures(summarized(rows))
    random.shuffle(rows)
    assert figures(summarized(rows, size)) == expected


@given(ROWS.map(mentioning), st.integers(0, 3))
def test_quotes_are_the_most_certain_mentions_of_their_label(rows: list[Row], n_quotes: int) -> None:
    texts = {row.number: row.text for row in rows}
    for whole, *_ in summarized(rows, n_quotes=n_quotes).targets:
        for label, quotes in whole.quotes.items():
            probabilities = [quote.probability for quote in quotes]
            assert probabilities == sorted(probabilities, reverse=True)
            assert len(quotes) <= n_quotes
            assert len({quote[1:4] for quote in quotes}) == len(quotes)
            for quote in quotes:
                assert f"{quote.before}{quote.mention}{quote.after}" == texts[quote.row]
                assert quote.mention in (whole.target, f"{whole.target}s")
                said = SAID[quote.before.split()[-1]]
                assert LABELS[int(np.argmax(said))] == label
                assert quote.probability == pytest.approx(max(said))


def test_the_most_certain_quotes_are_kept_of_many() -> None:
    ((whole,),) = summarized([Row(1, "good film"), Row(2, "great film"), Row(3, "bad film")], n_quotes=1).targets
    assert [[quote.row for quote in quotes] for quotes in whole.quotes.values()] == [[2], [3]]


def test_several_mentions_in_a_text_count_as_their_mean() -> None:
    ((whole,),) = summarized([Row(1, "great film, bad film, bad film")]).targets
    assert (whole.n_texts, whole.n_mentions) == (1, 3)
    assert whole.counts == {"negative": 1, "neutral": 0, "positive": 0}
    assert whole.polarity == pytest.approx((0.9 - 0.7 - 0.7) / 3)
    assert all(np.isnan(whole.interval))


def test_a_mention_without_evidence_is_neutral_and_never_quoted() -> None:
    def even(texts: Sequence[str], targets: Sequence[Sequence[tuple[int, int]]]) -> Ragged:
        n_targets = np.array(list(map(len, targets)), dtype=np.int64)
        return Ragged(np.full((n_targets.sum(), len(labels)), 1 / len(labels), dtype=np.float32), n_targets)

    for labels, n_texts in ((LABELS, 1), (("negative", "positive"), 0)):
        ((whole,),) = aspects([[Row(1, "my film")]], even, labels, parse_targets(["film"])).targets
        assert sum(whole.counts.values()) == whole.counts.get("neutral", 0) == n_texts
        assert not any(whole.quotes.values())


def test_the_interval_is_that_of_the_mean_over_texts() -> None:
    texts = ["great film"] * 30 + ["bad film"] * 10
    ((whole,),) = summarized([Row(i, text) for i, text in enumerate(texts)]).targets
    polarities = np.array([0.9] * 30 + [-0.7] * 10)
    reach = 1.96 * polarities.std(ddof=1) / np.sqrt(40)
    assert whole.interval == pytest.approx((polarities.mean() - reach, polarities.mean() + reach))


def test_a_target_that_no_text_mentions_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "spacy_trax_sentiment"):
        ((whole,),) = summarized([Row(1, "good film"), Row(2, None)]).targets
    assert whole.target == "film"
    assert caplog.messages == ["No text mentions smile."]
    with pytest.raises(SentimentError, match=r"S222\] none of the 1 texts mentions a target \(film, smile\)"):
        summarized([Row(1, "good sea"), Row(2, None)])


def test_labels_without_poles_are_refused_before_a_row_is_read() -> None:
    def unread() -> Any:
        raise AssertionError
        yield

    with pytest.raises(SentimentError, match="S224"):
        aspects(unread(), score, ("joy", "positive"), parse_targets(["film"]))


def test_too_many_groups_are_refused() -> None:
    rows = [Row(i, "good film", str(i)) for i in range(4)]
    assert len(summarized(rows, most_groups=4).targets[0]) == 5
    with pytest.raises(SentimentError, match="S225"):
        summarized(rows, most_groups=3)


def test_lone_surrogates_do_not_shift_mentions() -> None:
    ((whole,),) = summarized([Row(1, "\ud83d\ude00 \ud800 good film")]).targets
    (quote,) = whole.quotes["positive"]
    assert (quote.before, quote.mention) == ("😀 \ufffd good ", "film")


def test_summaries_are_json() -> None:
    ((whole, group),) = summarized([Row(1, "good film", "x")]).targets
    content = json.loads(json.dumps([each.to_dict() for each in (whole, group)]))
    assert [each["group"] for each in content] == [None, "x"]
    assert content[0]["polarity_low"] is None
    assert content[0]["n_positive"] == 1
    assert content[0]["quotes"]["positive"][0]["mention"] == "film"


def test_rows_are_numbered_through_and_grouped_by_a_column() -> None:
    values: list[Any] = [["a", 1], [" ", None], ["b", "  "], ["c", 1.0], ["d", ["x"]], ["e", True]]
    batches = [
        TableBatch([row[0] for row in some], ["text", "g"], some, Source("t")) for some in (values[:2], values[2:])
    ]
    rows = [row for batch in table_rows(batches, "g") for row in batch]
    assert rows == [
        Row(1, "a", "1"),
        Row(2, None, "(blank)"),
        Row(3, "b", "(blank)"),
        Row(4, "c", "1"),
        Row(5, "d", '["x"]'),
        Row(6, "e", "true"),
    ]
    assert [row.group for batch in table_rows(batches) for row in batch] == [None] * 6
    with pytest.raises(SentimentError, match=r"S064\] t: the column 'h' is missing; .* by --group-by"):
        list(table_rows(batches, "h"))


def test_a_summary_of_few_equal_texts_has_an_interval_of_no_width() -> None:
    summary = Summary("film", None, dict.fromkeys(LABELS, 0))
    for i in range(3):
        summary.add(Row(i, "great film"), [(6, 10)], np.array([SAID["great"]]), 5)
    assert summary.interval == pytest.approx((0.9, 0.9))
    assert [quote.row for quote in summary.quotes["positive"]] == [0]  # the others are copies
