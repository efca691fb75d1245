# SPDX-License-Identifier: MIT
"""What a scenario is: contestants who take turns, and the figures that their runs are turned into."""

GIB = 1 << 30
IDEAL = ("ideal", "ideal")  # what the machine can do at all, see bench/ideal.cpp


class Figure:
    """A column: what it is called, whether more is better (None: neither), and how it is printed."""

    def __init__(self, key, title, more_is_better, digits):
        self.key, self.title, self.more_is_better, self.digits = key, title, more_is_better, digits


class Scenario:
    """Contestants are (server, client) pairs; the first one is what the others are compared with."""

    def __init__(self, key, title, contestants, figures, commands, evaluate, counts_calls=False):
        self.key, self.title, self.contestants, self.figures = key, title, contestants, figures
        self.commands, self.evaluate, self.counts_calls = commands, evaluate, counts_calls

    def sample(self, bench, contestant):
        run = bench.run(contestant[0], self.commands(bench, contestant), self.counts_calls)
        return self.with_noise(self.evaluate(bench, contestant, run), run)

    @staticmethod
    def with_noise(figures, run):
        return {**figures, **{key: run[key] for key in ("noisy", "disturbance", "slowdown")}}


def plural(count, noun):
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
