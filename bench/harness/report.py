# SPDX-License-Identifier: MIT
"""Medians, spread and ratios, as a table for people and as JSON for programs."""

import json

from arithmetic import ratio, summary
from scenario import IDEAL


def summarise(scenario, samples):
    """For each contestant and figure the median, the extremes, and the ratios to the medians of the first contestant
    and of the ideal, if that is one."""
    rows, ideal = [], None
    for contestant, runs in samples.items():
        rows.append({"server": contestant[0], "client": contestant[1], "runs": len(runs),
                     "noisy_runs": sum(run["noisy"] for run in runs),
                     "figures": {figure.key: summary([run[figure.key] for run in runs]) for figure in scenario.figures},
                     "samples": runs})
        if contestant == IDEAL:
            ideal = rows[-1]
    for row in rows:
        for key, value in row["figures"].items():
            value["ratio"] = ratio(value["median"], rows[0]["figures"][key]["median"])
            if ideal:
                value["ratio_to_ideal"] = ratio(value["median"], ideal["figures"][key]["median"])
    return {"scenario": scenario.key, "title": scenario.title, "rows": rows}


def cells(figure, value):
    """The text of a figure's columns."""
    def text(number):
        return "-" if number is None else f"{number:.{figure.digits}f}"

    out = [text(value["median"]), "-" if value["low"] is None else f"{text(value['low'])}..{text(value['high'])}"]
    if figure.more_is_better is not None:
        ratios = [value[key] for key in ("ratio", "ratio_to_ideal") if key in value]
        out += ["-" if number is None else f"{number:.2f}" for number in ratios]
    return out


def table(scenario, summary_of_all):
    """Lines of columns, the first one being the header."""
    header = ["server", "client"]
    has_ideal = any((row["server"], row["client"]) == IDEAL for row in summary_of_all["rows"])
    ratios = [f"x {summary_of_all['rows'][0]['server']}"] + (["x ideal"] if has_ideal else [])
    for figure in scenario.figures:
        header += [figure.title, "low..high"] + (ratios if figure.more_is_better is not None else [])
    lines = [header]
    for row in summary_of_all["rows"]:
        line = [row["server"], row["client"] + (" *" if row["noisy_runs"] else "")]
        for figure in scenario.figures:
            line += cells(figure, row["figures"][figure.key])
        lines.append(line)
    return lines


def print_table(scenario, summary_of_all):
    lines = table(scenario, summary_of_all)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    print(f"\n{summary_of_all['title']}")
    for line in lines:
        texts = [text.ljust(width) if i < 2 else text.rjust(width) for i, (text, width) in enumerate(zip(line, widths))]
        print("  " + "  ".join(texts).rstrip())
    noisy = sum(row["noisy_runs"] for row in summary_of_all["rows"])
    if noisy:
        print(f"  * {noisy} of {sum(row['runs'] for row in summary_of_all['rows'])} runs were disturbed by other "
              "processes, also when repeated")


def markdown(about, measured):
    """The page of figures in the docs: `measured` has scenarios with their summaries."""
    machine = about["machine"]
    lines = [f"Measured on {about['date'][:10]} at revision {about['revision']}: {machine['cpu']}, {machine['cores']} "
             f"cores, Linux {machine['kernel']}; {about['network']}. Medians of {about['runs']} runs; in brackets the "
             "spread and the ratio to the first row."]
    for scenario, summary in measured:
        lines += ["", f"### {summary['title']}", "",
                  "| server | client |" + "".join(f" {figure.title} |" for figure in scenario.figures),
                  "|---|---|" + "---:|" * len(scenario.figures)]
        for row in summary["rows"]:
            values = (_in_brackets(*cells(figure, row["figures"][figure.key])) for figure in scenario.figures)
            marked = row["client"] + (" *" if row["noisy_runs"] else "")
            lines.append(f"| {row['server']} | {marked} |" + "".join(f" {value} |" for value in values))
    return "\n".join(lines) + "\n"


def _in_brackets(median, spread, *ratios):
    return median if median == "-" else f"{median} ({', '.join([spread, *ratios[:1]])})"


def write_json(path, about, summaries):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**about, "results": summaries}, indent=1) + "\n")
