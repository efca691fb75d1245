# SPDX-License-Identifier: MIT
"""Medians, spread and ratios, as a table for people and as JSON for programs."""

import json
import statistics


def summarise(scenario, samples):
    """For each contestant and figure the median, the extremes, and the ratio to the first contestant's median."""
    rows, reference = [], None
    for contestant in scenario.contestants:
        runs = samples[contestant]
        row = {"server": contestant[0], "client": contestant[1], "runs": len(runs),
               "noisy_runs": sum(run["noisy"] for run in runs), "figures": {}, "samples": runs}
        for figure in scenario.figures:
            values = [run[figure.key] for run in runs]
            row["figures"][figure.key] = {"median": statistics.median(values), "low": min(values), "high": max(values)}
        if reference is None:
            reference = row
        for key, value in row["figures"].items():
            base = reference["figures"][key]["median"]
            value["ratio"] = value["median"] / base if base else None
        rows.append(row)
    return {"scenario": scenario.key, "title": scenario.title, "rows": rows}


def print_table(scenario, summary):
    header = ["server", "client"]
    for figure in scenario.figures:
        header.append(figure.title)
        header.append("low..high")
        if figure.more_is_better is not None:
            header.append("x raw")
    lines = [header]
    for row in summary["rows"]:
        line = [row["server"], row["client"] + (" *" if row["noisy_runs"] else "")]
        for figure in scenario.figures:
            value = row["figures"][figure.key]
            line.append(f"{value['median']:.{figure.digits}f}")
            line.append(f"{value['low']:.{figure.digits}f}..{value['high']:.{figure.digits}f}")
            if figure.more_is_better is not None:
                line.append(f"{value['ratio']:.2f}" if value["ratio"] else "-")
        lines.append(line)
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    print(f"\n{summary['title']}")
    for line in lines:
        texts = [text.ljust(width) if i < 2 else text.rjust(width) for i, (text, width) in enumerate(zip(line, widths))]
        print("  " + "  ".join(texts).rstrip())
    noisy = sum(row["noisy_runs"] for row in summary["rows"])
    if noisy:
        print(f"  * {noisy} of {sum(row['runs'] for row in summary['rows'])} runs were disturbed by other processes, "
              "also when repeated")


def write_json(path, about, summaries):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**about, "results": summaries}, indent=1) + "\n")
