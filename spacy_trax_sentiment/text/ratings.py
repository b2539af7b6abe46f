"""Ratings to grades: "9/10" by itself, and across tokens "five stars", "2 out of 10", "★★☆☆☆" and "two thumbs up"."""

import re
from collections.abc import Sequence

LOW, MIDDLE, HIGH = "grade -", "grade 0", "grade +"
"""The terms of ratings."""

# Leanings of the tokens that ratings are made of; that of a number is NUMBER less ten times the number. Each rating has
# one of the first six, of which the first three stand behind a number, or behind a hyphen.
STARS, OUT, SLASH, THUMBS, FILLED, EMPTY, HYPHEN, OF, UP, DOWN = range(-3, -13, -1)
NUMBER = -100

_NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
LEANINGS: dict[str, int] = {
    **{name: NUMBER - 10 * n for n, name in enumerate(_NAMES)},
    **dict.fromkeys(("star", "stars"), STARS),
    **dict.fromkeys(("thumb", "thumbs"), THUMBS),
    "-": HYPHEN,
    "out": OUT,
    "of": OF,
    "/": SLASH,
    "up": UP,
    "down": DOWN,
    **dict.fromkeys("★⭐🌟✭✮✯", FILLED),
    **dict.fromkeys("☆✩", EMPTY),
}
_SCALES = {4, 5, 6, 10, 20, 100}
_MOST_STARS, _SCALE_OF_STARS = 10, 5
# Up to this fraction of a scale a rating is bad, and from the other one on good.
_BAD, _GOOD = 0.45, 0.75
_RATING = re.compile(r"(\d{1,3}(?:[.,]\d{1,2})?)/(\d{1,3})")
_NUMBER = re.compile(r"\d{1,3}(?:[.,]\d{1,2})?")


def number_leaning(text: str) -> int:
    """Return the leaning of a number that a rating could hold, or 0."""
    return NUMBER - round(10 * _value(text)) if _NUMBER.fullmatch(text) else 0


def grade_of(text: str) -> str | None:
    """Return the grade of a rating such as "7.5/10", or None if the text is none."""
    found = _RATING.fullmatch(text)
    return _grade(_value(found[1]), int(found[2])) if found else None


def graded(leanings: Sequence[int]) -> dict[int, str]:
    """Return the grade of each rating across the tokens of one text, by the place of its last token."""
    grades: dict[int, str] = {}
    n_stars = n_empty = 0
    for i, leaning in enumerate(leanings):
        before = tuple(leanings[max(i - 3, 0) : i])
        if leaning in (FILLED, EMPTY):
            n_stars, n_empty = n_stars + (leaning == FILLED), n_empty + (leaning == EMPTY)
            if n_stars + n_empty > 1:
                grades.pop(i - 1, None)
                grades[i] = _grade(n_stars, max(n_stars + n_empty, _SCALE_OF_STARS)) or HIGH
            continue
        n_stars = n_empty = 0
        grade = None
        if leaning == STARS:
            stars = before[:-1] if before[-1:] == (HYPHEN,) else before
            # In "1 out of 5 stars" and "1 / 5 stars" the 5 has the grade already.
            if stars and stars[-1] <= NUMBER and i - 1 - (stars != before) not in grades:
                n = _number(stars[-1])
                if stars[-2:-1] == (OF,) and stars[0] <= NUMBER:  # "1 of 5 stars"
                    grade = _grade(_number(stars[0]), n)
                else:
                    grade = _grade(n, _SCALE_OF_STARS if n <= _SCALE_OF_STARS else _MOST_STARS)
        elif leaning in (UP, DOWN) and before[-1:] == (THUMBS,):
            grade = HIGH if leaning == UP else LOW
        elif leaning <= NUMBER and before and before[0] <= NUMBER and before[1:] == (OUT, OF):
            grade = _grade(_number(before[0]), _number(leaning))
        elif leaning <= NUMBER and len(before) > 1 and before[-1] == SLASH and before[-2] <= NUMBER:
            grade = _grade(_number(before[-2]), _number(leaning))
        if grade:
            grades[i] = grade
    return grades


def _value(text: str) -> float:
    return float(text.replace(",", "."))


def _number(leaning: int) -> float:
    return (NUMBER - leaning) / 10


def _grade(value: float, scale: float) -> str | None:
    if scale not in _SCALES or value > scale:
        return None
    return LOW if value <= _BAD * scale else HIGH if value >= _GOOD * scale else MIDDLE
