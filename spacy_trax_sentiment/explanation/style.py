"""Contributions to colours: the style sheet of rendered sentiments, in light and dark.

Blue is for, orange is against; line style and lightness tell them apart too. They differ under every common form of
colour blindness.
"""

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


STYLE = f"""\
.trax-sentiment{{--ts-surface:rgb{SURFACE};--ts-text:rgb{TEXT};--ts-quiet:#595959;--ts-line:#c8c8c8;\
--ts-control:#767676;--ts-for:#08519c;--ts-against:#a63603;--ts-scope:#505050;\
margin:0 0 1.5rem;padding:1rem 1.25rem;max-width:48rem;box-sizing:border-box;background:var(--ts-surface);\
color:var(--ts-text);border:1px solid var(--ts-line);border-radius:.5rem;font:1rem/1.5 system-ui,-apple-system,\
"Segoe UI",Roboto,Helvetica,Arial,sans-serif;text-align:start;print-color-adjust:exact;\
-webkit-print-color-adjust:exact;break-inside:avoid}}
.trax-sentiment *{{box-sizing:border-box}}
.trax-sentiment .title{{margin:0 0 .5rem;font-size:1.1rem}}
.trax-sentiment .verdict{{margin:0 0 .35rem;font-size:1.1rem}}
.trax-sentiment .log-odds{{color:var(--ts-quiet);font-size:.9rem;margin-inline-start:.5rem}}
.trax-sentiment .bar{{display:block;width:100%;height:.9rem;border:1px solid var(--ts-control);border-radius:.25rem}}
.trax-sentiment .bar rect{{stroke:var(--ts-surface);stroke-width:1px;vector-effect:non-scaling-stroke}}
.trax-sentiment.legend{{border:0}}
.trax-sentiment ul{{display:flex;flex-wrap:wrap;gap:.1rem 1.25rem;margin:.35rem 0 0;\
padding:0;list-style:none;font-size:.9rem;color:var(--ts-text)}}
.trax-sentiment li{{margin:0;overflow-wrap:anywhere}}
.trax-sentiment .swatch{{display:inline-block;width:.75em;height:.75em;margin-inline-end:.35em;border:1px solid \
var(--ts-control);border-radius:.15em}}
.trax-sentiment .text{{margin:.75rem 0 0;font-size:1.15rem;line-height:2.1;white-space:pre-wrap;\
overflow-wrap:anywhere}}
.trax-sentiment .empty{{color:var(--ts-quiet);font-style:italic}}
.trax-sentiment .token{{padding:.1em .05em 0;border-radius:.15em .15em 0 0;-webkit-box-decoration-break:clone;\
box-decoration-break:clone}}
.trax-sentiment .for{{border-bottom:0 solid var(--ts-for)}}
.trax-sentiment .against{{border-bottom:0 dashed var(--ts-against)}}
{_lines()}
{_shades(POSITIVE, NEGATIVE, OTHERS, SURFACE)}
.trax-sentiment .negated{{padding:.3em .1em 0;border-top:2px solid var(--ts-scope);\
background:linear-gradient(var(--ts-scope),var(--ts-scope)) 0 0/2px .45em no-repeat,\
linear-gradient(var(--ts-scope),var(--ts-scope)) 100% 0/2px .45em no-repeat}}
.trax-sentiment details{{margin-top:.75rem;font-size:.9rem}}
.trax-sentiment summary{{cursor:pointer;color:var(--ts-text);padding:.25rem 0}}
.trax-sentiment summary:focus-visible,.trax-sentiment .scroll:focus-visible{{\
outline:2px solid var(--ts-for);outline-offset:2px}}
.trax-sentiment .scroll{{overflow-x:auto}}
.trax-sentiment table{{border-collapse:collapse;margin:.25rem 0 0;font-size:.9rem;color:var(--ts-text);\
background:var(--ts-surface)}}
.trax-sentiment th,.trax-sentiment td{{padding:.15rem .5rem .15rem 0;border:0;border-bottom:1px solid \
var(--ts-line);background:none;text-align:start;font-weight:normal;vertical-align:bottom}}
.trax-sentiment tbody th{{overflow-wrap:anywhere;min-width:4.5em}}
.trax-sentiment thead th,.trax-sentiment tfoot th,.trax-sentiment tfoot td{{font-weight:600}}
.trax-sentiment td{{text-align:end;font-variant-numeric:tabular-nums;white-space:nowrap}}
.trax-sentiment thead th+th{{text-align:end}}
@media (max-width:30rem){{.trax-sentiment{{padding:.75rem .8rem}}}}
@media screen and (prefers-color-scheme:dark){{
.trax-sentiment{{--ts-surface:rgb{DARK_SURFACE};--ts-text:rgb{DARK_TEXT};--ts-quiet:#b0b4ba;--ts-line:#43484f;\
--ts-control:#8b929b;--ts-for:#8cc4f0;--ts-against:#ffb07c;--ts-scope:#b8bcc2}}
{_shades(DARK_POSITIVE, DARK_NEGATIVE, DARK_OTHERS, DARK_SURFACE)}
}}
"""
"""Self-contained CSS for what `html.sentiment_html` and `html.legend_html` return, in light and dark."""

PAGE_STYLE = """\
:root{color-scheme:light dark}
body{margin:0;background:#f6f6f4;color:#1a1a1a;font-family:system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,\
Arial,sans-serif}
main{max-width:48rem;margin:0 auto;padding:1.5rem 1rem}
h1{font-size:1.4rem;margin:0 0 1rem}
@media screen and (prefers-color-scheme:dark){body{background:#15171a;color:#ececec}}
@media print{body{background:#fff}main{padding:0}}
"""
"""The rest of a whole page's CSS."""
