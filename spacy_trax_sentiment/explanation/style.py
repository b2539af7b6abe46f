"""The style sheet of rendered sentiments: blue for, orange against, told apart by line and by lightness as well."""

N_STEPS = 10
"""Degrees of shading, from 1 for the palest."""

# Blue and orange are told apart with every common colour blindness. Black text on the strongest has a contrast of 8 to
# 1 and more, where WCAG 2.2's level AA asks for 4.5.
POSITIVE, NEGATIVE, OTHERS = (107, 174, 214), (253, 153, 94), ("#c9c9c9", "#c3b1d9", "#a8d5ba", "#e8d27a", "#e0b4c8")
_POSITIVE_LINE, _NEGATIVE_LINE = "#08519c", "#a63603"


def shade(colour: tuple[int, int, int], share: float) -> tuple[int, int, int]:
    """RETURNS: The colour mixed with white: all white for a share of 0, the colour itself for 1."""
    red, green, blue = (round(255 + share * (value - 255)) for value in colour)
    return red, green, blue


def _steps(letter: str, colour: tuple[int, int, int]) -> str:
    return "\n".join(
        f".trax-sentiment .{letter}{step}{{background:rgb{shade(colour, step / N_STEPS)};"
        f"border-bottom-width:{1 + (step * 3 - 1) // N_STEPS}px}}"
        for step in range(1, N_STEPS + 1)
    )


def _fills() -> str:
    colours = {"positive": f"rgb{POSITIVE}", "negative": f"rgb{NEGATIVE}"}
    colours |= {f"other{i}": colour for i, colour in enumerate(OTHERS)}
    return "\n".join(
        f".trax-sentiment .fill-{name}{{fill:{colour};background:{colour}}}" for name, colour in colours.items()
    )


STYLE = f"""\
.trax-sentiment{{margin:0 0 1.5rem;padding:1rem 1.25rem;max-width:48rem;box-sizing:border-box;background:#fff;\
color:#1a1a1a;border:1px solid #c8c8c8;border-radius:.5rem;font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,\
Helvetica,Arial,sans-serif;text-align:start;print-color-adjust:exact;-webkit-print-color-adjust:exact;\
break-inside:avoid}}
.trax-sentiment *{{box-sizing:border-box}}
.trax-sentiment .title{{margin:0 0 .5rem;font-size:1.1rem}}
.trax-sentiment .verdict{{margin:0 0 .35rem;font-size:1.1rem}}
.trax-sentiment .score{{color:#595959;font-size:.9rem;margin-inline-start:.5rem}}
.trax-sentiment .bar{{display:block;width:100%;height:.9rem;border:1px solid #767676;border-radius:.25rem}}
.trax-sentiment .bar rect{{stroke:#fff;stroke-width:1px;vector-effect:non-scaling-stroke}}
.trax-sentiment.legend{{border:0}}
.trax-sentiment ul{{display:flex;flex-wrap:wrap;gap:.1rem 1.25rem;margin:.35rem 0 0;\
padding:0;list-style:none;font-size:.9rem;color:#404040}}
.trax-sentiment li{{margin:0;overflow-wrap:anywhere}}
.trax-sentiment .swatch{{display:inline-block;width:.75em;height:.75em;margin-inline-end:.35em;border:1px solid \
#767676;border-radius:.15em}}
.trax-sentiment .text{{margin:.75rem 0 0;font-size:1.15rem;line-height:2.1;white-space:pre-wrap;\
overflow-wrap:anywhere}}
.trax-sentiment .empty{{color:#595959;font-style:italic}}
.trax-sentiment .token{{padding:.1em .05em 0;border-radius:.15em .15em 0 0;-webkit-box-decoration-break:clone;\
box-decoration-break:clone}}
.trax-sentiment .for{{border-bottom:0 solid {_POSITIVE_LINE}}}
.trax-sentiment .against{{border-bottom:0 dashed {_NEGATIVE_LINE}}}
{_steps("p", POSITIVE)}
{_steps("n", NEGATIVE)}
.trax-sentiment .negated{{padding:.3em .1em 0;border-top:2px solid #505050;\
background:linear-gradient(#505050,#505050) 0 0/2px .45em no-repeat,\
linear-gradient(#505050,#505050) 100% 0/2px .45em no-repeat}}
{_fills()}
.trax-sentiment details{{margin-top:.75rem;font-size:.9rem}}
.trax-sentiment summary{{cursor:pointer;color:#404040;padding:.25rem 0}}
.trax-sentiment summary:focus-visible,.trax-sentiment .scroll:focus-visible{{\
outline:2px solid {_POSITIVE_LINE};outline-offset:2px}}
.trax-sentiment .scroll{{overflow-x:auto}}
.trax-sentiment table{{border-collapse:collapse;margin:.25rem 0 0;font-size:.9rem;color:#1a1a1a;background:#fff}}
.trax-sentiment th,.trax-sentiment td{{padding:.15rem .5rem .15rem 0;border:0;border-bottom:1px solid #e0e0e0;\
background:none;text-align:start;font-weight:normal;vertical-align:bottom}}
.trax-sentiment tbody th{{overflow-wrap:anywhere;min-width:4.5em}}
.trax-sentiment thead th,.trax-sentiment tfoot th,.trax-sentiment tfoot td{{font-weight:600}}
.trax-sentiment td{{text-align:end;font-variant-numeric:tabular-nums;white-space:nowrap}}
.trax-sentiment thead th+th{{text-align:end}}
@media (max-width:30rem){{.trax-sentiment{{padding:.75rem .8rem}}}}
"""
"""Self-contained CSS for what `rendering.sentiment_html` and `rendering.legend_html` return."""

PAGE_STYLE = """\
body{margin:0;background:#f6f6f4;color:#1a1a1a;font-family:system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,\
Arial,sans-serif}
main{max-width:48rem;margin:0 auto;padding:1.5rem 1rem}
h1{font-size:1.4rem;margin:0 0 1rem}
@media print{body{background:#fff}main{padding:0}}
"""
