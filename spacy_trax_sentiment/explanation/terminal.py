"""A Doc's sentiment as lines for a terminal: tokens shaded by their shares; or, without colours, followed by them."""

import re
from collections.abc import Mapping
from itertools import groupby
from typing import Any, TextIO

from .html import percent, signed, token_steps
from .sentiment import Sentiment
from .style import N_STEPS, NEGATIVE, POSITIVE, shade

BAR_WIDTH = 40

# Bytes by which a text could move the cursor, or worse; of line breaks and tabs there is nothing to fear.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_OTHERS = ((201, 201, 201), (195, 177, 217), (168, 213, 186))
_UNDERLINED, _ITALIC, _BOLD, _DIM, _RESET = "4", "3", "1", "2", "\x1b[0m"
_TEXT = (26, 26, 26)
_CUBE = (0, 95, 135, 175, 215, 255)


def colours_of(stream: TextIO, environ: Mapping[str, str]) -> int:
    """RETURNS: How many colours to write to the stream in: 0 where it is no terminal or NO_COLOR is set to anything
    (https://no-color.org), else 2**24 where COLORTERM says so, else 256.
    """
    if environ.get("NO_COLOR") or environ.get("TERM") == "dumb" or not stream.isatty():
        return 0
    return 1 << 24 if environ.get("COLORTERM") in ("truecolor", "24bit") else 256


def sentiment_lines(sentiment: Sentiment, n_colours: int = 0) -> str:
    """RETURNS: The label, the probabilities as a bar, and the text with its shares; negated tokens in square brackets.

    With colours a token for is underlined besides, and one against is italic. Control characters are shown as U+FFFD.
    """
    probabilities = ", ".join(f"{label} {percent(p)}" for label, p in sentiment.probabilities.items())
    score = "" if sentiment.score is None else f"  log-odds {signed(sentiment.score)}"
    verdict = f"{sentiment.label} {percent(sentiment.probability)}"
    if not n_colours:
        return f"{_safe(verdict)}{score}  ({_safe(probabilities)})\n{_text(sentiment, 0)}\n"
    heading = _styled(_safe(verdict), _BOLD) + _styled(score, _DIM)
    return f"{heading}\n{_bar(sentiment, n_colours)}  {_safe(probabilities)}\n{_text(sentiment, n_colours)}\n"


def _text(sentiment: Sentiment, n_colours: int) -> str:
    scores = sentiment.token_scores.tolist()
    tokens = zip(sentiment.target, token_steps(sentiment), scores, sentiment.negated.tolist(), strict=True)
    parts = []
    for negated, run in groupby(tokens, key=lambda each: each[3]):
        shown = "".join(_token(token, step, share, n_colours) + token.whitespace_ for token, step, share, _ in run)
        words = shown.rstrip(" ")
        parts.append(f"[{words}]{shown[len(words) :]}" if negated else shown)
    return "".join(parts)


def _token(token: Any, step: int, share: float, n_colours: int) -> str:
    text = _safe(token.text)
    if not step or token.is_space:
        return text
    if not n_colours:
        return f"{text}({signed(share)})"
    colour = shade(POSITIVE if step > 0 else NEGATIVE, abs(step) / N_STEPS)
    line = _UNDERLINED if step > 0 else _ITALIC
    return _styled(text, line, _ground(_TEXT, 38, n_colours), _ground(colour, 48, n_colours))


def _bar(sentiment: Sentiment, n_colours: int) -> str:
    poles = dict(zip(sentiment.poles or (), (POSITIVE, NEGATIVE), strict=False))
    colours = [poles.get(label, _OTHERS[i % len(_OTHERS)]) for i, label in enumerate(sentiment.labels)]
    done, end, parts = 0.0, 0, []
    for colour, probability in zip(colours, sentiment.probabilities.values(), strict=True):
        done += probability
        start, end = end, round(done * BAR_WIDTH)
        if end > start:
            parts.append(_styled(" " * (end - start), _ground(colour, 48, n_colours)))
    return "".join(parts)


def _styled(text: str, *codes: str) -> str:
    return f"\x1b[{';'.join(codes)}m{text}{_RESET}" if text else ""


def _ground(colour: tuple[int, int, int], code: int, n_colours: int) -> str:
    """RETURNS: The SGR parameters that set a colour. code: 38 for the letters', 48 for their ground's."""
    if n_colours > 256:
        return ";".join(map(str, (code, 2, *colour)))
    red, green, blue = (min(range(6), key=lambda i: abs(_CUBE[i] - value)) for value in colour)
    return f"{code};5;{16 + 36 * red + 6 * green + blue}"


def _safe(text: str) -> str:
    return _CONTROLS.sub("\ufffd", text)
