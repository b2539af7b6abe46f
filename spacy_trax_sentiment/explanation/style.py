"""Contributions to colours: the style sheet of rendered sentiments, in light and dark.

Blue is for, orange is against; line style and lightness tell them apart too. They differ under every common form of
colour blindness.
"""

from importlib.resources import files
from string import Template

N_STEPS = 10
"""Degrees of shading, from 1 for the palest."""

# Text on the strongest shade has a contrast of at least 4.5 to 1, as WCAG 2.2's level AA asks for, in both schemes.
POSITIVE, NEGATIVE = (107, 174, 214), (253, 153, 94)
OTHERS = ((201, 201, 201), (195, 177, 217), (168, 213, 186), (232, 210, 122), (224, 180, 200))
SURFACE, TEXT = (255, 255, 255), (26, 26, 26)

DARK_POSITIVE, DARK_NEGATIVE = (29, 102, 160), (164, 74, 20)
DARK_OTHERS = ((98, 102, 108), (108, 90, 134), (61, 116, 85), (125, 106, 22), (133, 74, 100))
DARK_SURFACE, DARK_TEXT = (31, 34, 38), (236, 236, 236)

Colour = tuple[int, int, int]


def shade(colour: Colour, strength: float, surface: Colour = SURFACE) -> Colour:
    """Return a colour mixed with the surface's: the surface's for a strength of 0, the colour itself for 1."""
    red, green, blue = (round(s + strength * (c - s)) for c, s in zip(colour, surface, strict=True))
    return red, green, blue


def line_width(step: int) -> int:
    """Return the width in pixels of the line under a token: none for the palest step, up to 3."""
    return (step + 2) // 4


def _shades(positive: Colour, negative: Colour, others: tuple[Colour, ...], surface: Colour) -> str:
    rules = [
        f".trax-sentiment .{letter}{step}{{background:rgb{shade(colour, step / N_STEPS, surface)}}}"
        for letter, colour in (("p", positive), ("n", negative))
        for step in range(1, N_STEPS + 1)
    ]
    fills = {"positive": positive, "negative": negative} | {f"other{i}": colour for i, colour in enumerate(others)}
    rules += [f".trax-sentiment .fill-{name}{{fill:rgb{c};background:rgb{c}}}" for name, c in fills.items()]
    return "\n".join(rules)


def _lines() -> str:
    return "\n".join(
        f".trax-sentiment .p{step},.trax-sentiment .n{step}{{border-bottom-width:{line_width(step)}px}}"
        for step in range(1, N_STEPS + 1)
    )


STYLE = Template((files("spacy_trax_sentiment.explanation") / "style.css").read_text("utf8")).substitute(
    lines=_lines(),
    shades=_shades(POSITIVE, NEGATIVE, OTHERS, SURFACE),
    dark_shades=_shades(DARK_POSITIVE, DARK_NEGATIVE, DARK_OTHERS, DARK_SURFACE),
    surface=SURFACE,
    text=TEXT,
    dark_surface=DARK_SURFACE,
    dark_text=DARK_TEXT,
)
"""Self-contained CSS for what `fragment.sentiment_html` and `fragment.legend_html` return, in light and dark."""

PAGE_STYLE = (files("spacy_trax_sentiment.explanation") / "page.css").read_text("utf8")
"""The rest of a whole page's CSS."""
