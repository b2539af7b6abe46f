"""Summaries of targets to the cells of a table, and to one self-contained HTML page."""

from ..explanation.fragment import percent
from .aspects import Aspects, Summary
from .figures import figure
from .report import template


def aspects_page(title: str, found: Aspects) -> str:
    """Return the page: the figures, and for each summary a bar and the quotes."""
    header, rows = shown_figures(found)
    figures = {"header": header, "rows": rows, "n_names": header.index("texts"), "headline": headline(found)}
    shown = {"polarity": _polarity, "percent": percent}
    page = {"kind": "Sentiment by target", "title": title, "targets": found.targets}
    return template("aspects.html").render(**page, **figures, **shown)


def headline(found: Aspects) -> str:
    """Return one sentence: how many texts mention each target."""
    counts = [f"{each[0].n_texts:,} mention {each[0].target}" for each in found.targets]
    return f"Of {found.n_texts:,} texts, {', '.join(counts)}."


def shown_figures(found: Aspects) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of a table of the figures, one of them for each summary."""
    summaries = [each for of_target in found.targets for each in of_target]
    is_grouped = any(each.group is not None for each in summaries)
    header = ["target", *["group"] * is_grouped, "texts", "mentions", *summaries[0].counts, "polarity"]
    rows = []
    for each in summaries:
        names = [each.target, *[each.group or "all"] * is_grouped]
        counts = (each.n_texts, each.n_mentions, *each.counts.values())
        rows.append([*names, *(f"{n:,}" for n in counts), _polarity(each)])
    return header, rows


def _polarity(summary: Summary) -> str:
    value, low, high = (figure(each, summary.n_texts, "+") for each in (summary.polarity, *summary.interval))
    return f"{value} ({low} to {high})" if summary.n_texts > 1 else value
