"""Sentiments to lines for a terminal: tokens shaded by their contributions or, without colours, followed by them."""

import re
from collections.abc import Mapping
from itertools import groupby
from typing import Any, TextIO

from .fragment import percent, shading, signed, token_steps, verdict
from .sentiment import Sentiment
from .style import N_STEPS, NEGATIVE, OTHERS, POSITIVE, TEXT, Colour, line_width, shade

BAR_WIDTH = 40
"""The width of the bar of probabilities, in characters."""

# Characters with which a text could move the cursor, or worse. Line breaks and tabs are harmless.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UNDERLINED, _ITALIC, _BOLD, _DIM, _RESET = "4", "3", "1", "2", "\x1b[0m"
_FOREGROUND, _BACKGROUND = 38, 48
_CUBE = (0, 95, 135, 175, 215, 255)


def colours_of(stream: TextIO, environ: Mapping[str, str]) -> int:
    """Return how many colours to write to a stream in: 0 if it is no terminal or NO_COLOR is set, else 256 or 2**24.

    See https://no-color.org; COLORTERM says whether there are 2**24.
    """
    if environ.get("NO_COLOR") or environ.get("TERM") == "dumb" or not stream.isatty():
        return 0
    return 1 << 24 if environ.get("COLORTERM") in ("truecolor", "24bit") else 256


def sentiment_lines(sentiment: Sentiment, n_colours: int = 0) -> str:
    """Return the label, the probabilities, and the text with its contributions; negated tokens are in [brackets].

    With colours, probabilities are a bar, a token for is underlined as well as blue, and one against is italic as well
    as orange. Control characters become U+FFFD.
    """
    probabilities = ", ".join(f"{label} {percent(p)}" for label, p in sentiment.probabilities.items())
    log_odds = "" if sentiment.log_odds is None else f"  log-odds {signed(sentiment.log_odds)}"
    found = " ".join(verdict(sentiment))
    if not n_colours:
        return f"{_safe(found)}{log_odds}  ({_safe(probabilities)})\n{_text(sentiment, 0)}\n"
    heading = _styled(_safe(found), _BOLD) + _styled(log_odds, _DIM)
    return f"{heading}\n{_bar(sentiment, n_colours)}  {_safe(probabilities)}\n{_text(sentiment, n_colours)}\n"


def _text(sentiment: Sentiment, n_colours: int) -> str:
    values, negated = shading(sentiment).tolist(), sentiment.negated.tolist()
    tokens = zip(sentiment.target, token_steps(sentiment), values, negated, strict=True)
    parts = []
    for is_negated, run in groupby(tokens, key=lambda each: each[3]):
        shown = "".join(_token(token, step, value, n_colours) + token.whitespace_ for token, step, value, _ in run)
        words = shown.rstrip(" ")
        parts.append(f"[{words}]{shown[len(words) :]}" if is_negated else shown)
    return "".join(parts)


def _token(token: Any, step: int, value: float, n_colours: int) -> str:
    text = _safe(token.text)
    if not step or token.is_space:
        return text
    if not n_colours:
        return f"{text}({signed(value)})"
    colour = shade(POSITIVE if step > 0 else NEGATIVE, abs(step) / N_STEPS)
    line = [_UNDERLINED if step > 0 else _ITALIC] if line_width(abs(step)) else []
    return _styled(text, *line, _sgr(TEXT, _FOREGROUND, n_colours), _sgr(colour, _BACKGROUND, n_colours))


def _bar(sentiment: Sentiment, n_colours: int) -> str:
    poles = {"positive": POSITIVE, "negative": NEGATIVE}
    done, end, parts = 0.0, 0, []
    for i, (label, probability) in enumerate(sentiment.probabilities.items()):
        done += probability
        start, end = end, round(done * BAR_WIDTH)
        if end > start:
            colour = poles.get(label, OTHERS[i % len(OTHERS)])
            parts.append(_styled(" " * (end - start), _sgr(colour, _BACKGROUND, n_colours)))
    return "".join(parts)


def _styled(text: str, *codes: str) -> str:
    return f"\x1b[{';'.join(codes)}m{text}{_RESET}" if text else ""


def _sgr(colour: Colour, plane: int, n_colours: int) -> str:
    """Return the SGR parameters that set the foreground or background to a colour, or to the nearest of 256."""
    if n_colours > 256:
        return ";".join(map(str, (plane, 2, *colour)))
    red, green, blue = (min(range(6), key=lambda i: abs(_CUBE[i] - value)) for value in colour)
    return f"{plane};5;{16 + 36 * red + 6 * green + blue}"


def _safe(text: str) -> str:
    return _CONTROLS.sub("\ufffd", text)
