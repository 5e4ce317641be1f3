"""How the page looks: on a desk, on a phone, in the dark and on paper.

A colour never stands alone: each part of a bar has a height and a pattern of its own, and each
outcome a sign and a word.
"""

from collections.abc import Mapping

# Text on its ground is 4.5 to 1 or better, bars 3 to 1; a test reckons it.
LIGHT = {
    "ground": "#ffffff",
    "panel": "#f4f5f7",
    "line": "#c9ced6",
    "text": "#1b1f24",
    "quiet": "#545d68",
    "bad": "#b3151c",
    "bad-ground": "#fdecec",
    "warning": "#8a4b00",
    "warning-ground": "#fff3e0",
    "good": "#17652f",
    "good-ground": "#e7f5ea",
    "waiting": "#7d8590",
    "making": "#1f4fa8",
    "open": "#2f8a9e",
    "removing": "#a8500a",
}
DARK = {
    "ground": "#14171b",
    "panel": "#1e2329",
    "line": "#3b434d",
    "text": "#e8ebef",
    "quiet": "#a3adb9",
    "bad": "#ff9a93",
    "bad-ground": "#3a1a1b",
    "warning": "#f5b860",
    "warning-ground": "#33260f",
    "good": "#7fd696",
    "good-ground": "#16301e",
    "waiting": "#8b949e",
    "making": "#7aa7ff",
    "open": "#4fb7cc",
    "removing": "#f0944d",
}

_RULES = """
*{box-sizing:border-box}
html{background:var(--ground);color:var(--text);font:15px/1.45 system-ui,"Segoe UI",sans-serif;
-webkit-text-size-adjust:100%;color-scheme:light dark}
body{max-width:1240px;margin:0 auto;padding:20px}
h1{font-size:1.05rem;margin:0;font-weight:600;color:var(--quiet)}
h2{font-size:1.15rem;margin:2rem 0 .6rem}
p{margin:.2rem 0}
code,.path,.flags,footer{overflow-wrap:anywhere}
.path,.small{color:var(--quiet);font-size:.82rem}
.flags{font:.78rem/1.4 ui-monospace,"DejaVu Sans Mono",monospace}
.verdict{display:flex;gap:.7rem;align-items:baseline;border-left:6px solid;padding:.7rem 1rem;
margin:.6rem 0 1rem;font-size:1.5rem;line-height:1.25;font-weight:700}
.bad{color:var(--bad)}.warning{color:var(--warning)}.good{color:var(--good)}
.quiet{color:var(--quiet)}
.verdict.bad,.card.bad{background:var(--bad-ground);border-color:var(--bad)}
.verdict.warning,.card.warning{background:var(--warning-ground);border-color:var(--warning)}
.verdict.good{background:var(--good-ground);border-color:var(--good)}
.verdict.quiet{background:var(--panel);border-color:var(--quiet)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(96px,1fr));gap:8px;margin:0 0 1rem}
.tiles div{background:var(--panel);padding:.5rem .7rem;border-top:3px solid var(--line)}
.tiles dt{color:var(--quiet);font-size:.82rem}
.tiles dd{margin:0;font-size:1.45rem;font-weight:700;font-variant-numeric:tabular-nums}
.tiles div.length{grid-column:span 2}.tiles div.length dd{white-space:nowrap}
.tiles div.bad{border-color:var(--bad)}.tiles div.good{border-color:var(--good)}
.tiles div.warning{border-color:var(--warning)}
.cards{list-style:none;margin:0;padding:0;display:grid;gap:8px}
.card{border-left:6px solid;padding:.6rem 1rem;color:var(--text);min-width:0}
.card h3{margin:0;font-size:1rem;overflow-wrap:anywhere}
.card .flags{font-weight:400}
.card dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .8rem;margin:.3rem 0 0}
.facts{display:flex;flex-wrap:wrap;gap:.4rem 1.8rem;margin:0;font-size:.9rem}
.facts div{min-width:0}.facts dt{color:var(--quiet);font-weight:400;font-size:.82rem}
dt{font-weight:600}dd{margin:0;min-width:0;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;table-layout:fixed}
th{text-align:left;font-weight:600;font-size:.82rem;color:var(--quiet);vertical-align:bottom}
td,th{padding:.4rem .5rem;border-bottom:1px solid var(--line);vertical-align:top;
overflow-wrap:anywhere}
td.vm,th.vm{width:25%}td.result,th.result{width:17%}
.name{font-weight:600}
.badge{font-weight:700;font-size:.86rem;white-space:nowrap}
.axis{position:relative;height:1.3em;overflow:hidden}
.axis span{position:absolute;white-space:nowrap;font-weight:400;transform:translateX(-50%);
font-variant-numeric:tabular-nums}
.axis span.first{transform:none}.axis span.last{transform:translateX(-100%)}
.track{position:relative;height:22px;overflow:hidden;print-color-adjust:exact;
-webkit-print-color-adjust:exact}
.part{position:absolute;min-width:3px;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.waiting{top:9px;height:4px;background:repeating-linear-gradient(90deg,var(--waiting) 0 4px,
transparent 4px 7px)}
.making{top:1px;height:20px;background:var(--making)}
.open{top:6px;height:10px;background:var(--open)}
.reading{top:18px;height:3px;background:repeating-linear-gradient(90deg,var(--text) 0 2px,
transparent 2px 4px)}
.removing{top:1px;height:20px;border:1px solid var(--removing);
background:repeating-linear-gradient(135deg,var(--removing) 0 3px,transparent 3px 6px)}
.lasts{border-right:3px double var(--text)}
.legend{display:flex;flex-wrap:wrap;gap:.3rem 1.3rem;list-style:none;margin:.3rem 0 .6rem;padding:0;
font-size:.86rem}
.legend li{display:flex;align-items:center;gap:.5rem}
.legend .track{width:34px;flex:none}
.legend .part{left:0;right:0}
ul.notes{margin:.2rem 0 0;padding-left:1.1rem}
footer{margin-top:2rem;border-top:1px solid var(--line);padding-top:.6rem;color:var(--quiet);
font-size:.82rem}
@media (max-width:700px){
body{padding:12px}
.verdict{font-size:1.2rem}
.tiles{grid-template-columns:repeat(3,1fr)}
.card dl{grid-template-columns:1fr}
.card dl dd{margin-bottom:.3rem}
.card dt{color:var(--quiet);font-size:.82rem}
table,thead,tbody{display:block}
tr{display:grid;grid-template-columns:1fr auto;padding:.4rem 0;border-bottom:1px solid var(--line)}
td,th{border:0;padding:.1rem 0;min-width:0}
td.vm,td.result{width:auto}
th.vm,th.result,.short th{position:absolute;width:1px;height:1px;overflow:hidden;
clip-path:inset(50%)}
.short thead tr{border:0;padding:0}
td.result{text-align:right;max-width:45vw}
td.wide,th.wide{grid-column:1/-1}
.axis span:nth-child(even):not(.last){display:none}
}
@media print{
html{font-size:10pt}
body{max-width:none;padding:0}
.card,tr,.tiles,.verdict{break-inside:avoid}
h2{break-after:avoid}
thead{display:table-header-group}
.verdict,.card{border:1px solid;border-left-width:6px}
.tiles div{border:1px solid;border-top-width:3px}
}
"""


def write_style(marks_percent: list[float]) -> str:
    """Give the style sheet; ``marks_percent`` is where the time line has its marks."""
    lines = ",".join(
        f"linear-gradient(var(--line),var(--line)) {percent:g}% 0/1px 100% no-repeat"
        for percent in marks_percent
    )
    grid = f".grid{{background:{lines}}}" if lines else ""
    return (
        f":root{{{_write_palette(LIGHT)}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{_write_palette(DARK)}}}}}"
        # On paper it is light, whatever the screen is.
        f"@media print{{:root{{{_write_palette(LIGHT)}}}html{{color-scheme:light}}}}"
        f"{_RULES}{grid}"
    )


def _write_palette(palette: Mapping[str, str]) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in palette.items())
