"""Print how fast the filter is, as ratios of things measured by turns in one run, and how calm.

python -m benchmarks
python -m benchmarks --quick --only filter --clip clip.mp4
python -m benchmarks --only search --data mnist_train.npz
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import device, emoji, filter, live, memory, search, stability, stages, startup
from benchmarks.timing import Row, Setup, SkippedError
from realtime.errors import UserError

TOPICS: dict[str, Callable[[Setup], list[Row]]] = {
    "filter": filter.measure,
    "emoji": emoji.measure,
    "search": search.measure,
    "stability": stability.measure,
    "startup": startup.measure,
    "live": live.measure,
    "memory": memory.measure,
    "device": device.measure,
}
HEAD = ("what", "compared", "A", "B", "A / B", "bar", "met")
LAYOUT = "{:<24}{:<52}{:>10}{:>10}{:>9}{:>9}  {}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for, and print a line as soon as it is known."""
    asked = _parse(arguments)
    setup = Setup(asked.quick, asked.clip, asked.data)
    print(f"{os.cpu_count()} CPUs; medians of things run by turns; CPU time is of all threads")
    if asked.profile:
        print(stages.table(setup))
        return
    print(LAYOUT.format(*HEAD))
    for name in asked.only or TOPICS:
        try:
            for row in TOPICS[name](setup):
                print(line(row), flush=True)
        except (SkippedError, UserError) as reason:
            print(f"{name}: skipped: {reason}")


def line(row: Row) -> str:
    """A row as text."""
    second = "" if row.second is None else _number(row.second)
    ratio = "" if row.second is None else f"{row.value:.2f}"
    bar = "" if row.bar is None else f"{'<=' if row.at_most else '>='} {row.bar:g}"
    met = {None: "", True: "yes", False: "NO"}[row.met]
    return LAYOUT.format(
        row.name, row.compared, _number(row.first), second, ratio, bar, met
    ).rstrip()


def _number(value: float) -> str:
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="a fifth of the rounds")
    parser.add_argument(
        "--only", action="append", choices=list(TOPICS), help="this topic; may be given again"
    )
    parser.add_argument("--clip", type=Path, help="take the moving frames from this clip")
    parser.add_argument("--data", type=Path, help="the MNIST training digits, for the search")
    parser.add_argument("--profile", action="store_true", help="print where the time goes instead")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
