# SPDX-License-Identifier: MIT
"""What becomes of the runs' numbers: medians, spread, ratios, percentiles. Nothing here knows a program."""

import statistics


def percentile(ordered, percent):
    """Of values in ascending order: the smallest one that at least `percent` of all do not exceed; None of none."""
    if not ordered:
        return None
    rank = -(-len(ordered) * percent // 100)  # rounded up
    return ordered[max(0, int(rank) - 1)]


def summary(values):
    """Median, extremes; all None when a run has no such figure."""
    if not values or any(value is None for value in values):
        return {"median": None, "low": None, "high": None}
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def ratio(value, base):
    """None where there is nothing to compare, or with."""
    return value / base if value is not None and base else None


def per_connection(before, after, connections):
    """What each of the connections added; never below nothing, for a process may give memory back meanwhile."""
    return max(0, after - before) / connections
