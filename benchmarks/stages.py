"""Where the filter's time goes, stage by stage."""

from __future__ import annotations

import statistics

from benchmarks.film import Film, moving, still
from benchmarks.filter import HD, make
from benchmarks.timing import Setup, alternate


def table(setup: Setup) -> str:
    """A text table of the stages' medians, in milliseconds and in copies of the frame."""
    lines = [f"{'stages (wall time)':<34}{'ms':>8}{'copies':>9}{'share':>8}"]
    for scene, film in (("moving", moving(HD, setup.clip)), ("still", still(HD))):
        for colour in ("mono", "tint"):
            lines += _stages(setup, film, f"{colour}, {scene}", colour)
    return "\n".join(lines)


def _stages(setup: Setup, film: Film, name: str, colour: str) -> list[str]:
    made, taken = make(colour=colour), list[dict[str, float]]()

    def run(_: int) -> None:
        made(film.decoded)
        taken.append(made.timings)

    rounds = setup.rounds(240)
    tasks = [film.decode, lambda _: film.decoded.copy(), run]
    copy_ms = alternate(tasks, rounds, film.period)[1].wall_ms
    counted = taken[-rounds:]
    medians = {stage: statistics.median(lap[stage] for lap in counted) for stage in counted[0]}
    total = sum(medians.values())
    return [
        f"{name + ', ' + stage:<34}{ms:>8.3f}{ms / copy_ms:>9.1f}{ms / total:>8.0%}"
        for stage, ms in {**medians, "all": total}.items()
    ]
