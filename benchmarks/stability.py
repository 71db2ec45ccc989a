"""Whether tiles hold still while the scene does, and follow at once when it does not.

Still scenes are the shipped picture, once bright and once at dusk, under the noise of a sensor. The
hand is a disc that crosses it by more than a tile a frame. All tones are means over a cell, 0..1.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.film import Film, add_noise, moving
from benchmarks.filter import HD
from benchmarks.timing import Row, Setup
from realtime import MosaicFilter
from realtime.arrays import Frame, Size
from realtime.demo import Demo

COLUMNS = 64
STABILITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
USUAL = 0.5  # whoever asks for less asks for tiles that move
NOISES = (2.0, 4.0, 8.0)  # standard deviations in levels: a good webcam, a usual one, one at night
FRAMES = 40
SETTLING = 5  # frames until a still scene has found its tiles
DUSK = 0.3
SPEED = 26  # pixels a frame, of the hand; a tile has 20
RADIUS = 130
SKIN = (140, 170, 225)
MOVED = 0.1  # cells whose tone changes by more than this in two frames have moved
CALM = 3.0 / 255  # cells whose pixels change by less on average hold still, in a clip
HELD = 8  # frames for which they must: what drifts a little in every frame has to be followed
TONES = (0.05, 0.95)  # what tiles can show
MOST_CHANGED = 0.5  # % of tiles a frame that may change though the scene does not

Tones = npt.NDArray[np.float32]
"""[rows, columns] mean tone of every cell, 0..1."""


def measure(setup: Setup) -> list[Row]:
    """Measure still scenes, a moving hand and a cut, each at several settings; and a clip."""
    frames = setup.rounds(FRAMES)
    rows = [_still(stability, noise, frames) for stability in STABILITIES for noise in NOISES]
    for stability in STABILITIES:
        rows += _following(f"hand, stability {stability:g}", hand(frames), stability)
    rows += [row for stability in STABILITIES for row in _cut(stability)]
    if setup.clip is not None:
        film = moving(HD, setup.clip)
        for stability in STABILITIES:
            name = f"clip, stability {stability:g}"
            rows.append(_calm_cells(name, film, stability))
            rows += _following(name, _played(film), stability)
    return rows


@dataclass(frozen=True)
class Step:
    """What the filter made of a frame.

    Attributes:
        changed: [rows, columns] bool, the tiles that are not what they were.
        shown: tones of the mosaic.
        wanted: tones of the frame, as far as tiles can show them.
    """

    changed: npt.NDArray[np.bool_]
    shown: Tones
    wanted: Tones


def steps(frames: Iterable[Frame], stability: float) -> Iterator[Step]:
    """Filter frames, [H, W, 3] uint8 BGR, and yield what became of each but the first."""
    made, before = _filter(stability), None
    for frame in frames:
        mosaic = made(frame)
        if before is not None:
            grid = made.columns, made.rows
            changed = changed_tiles(before, mosaic, made.tile_size)
            yield Step(changed, tones(mosaic, grid), np.clip(tones(frame, grid), *TONES))
        before = mosaic.copy()


def changed_tiles(before: Frame, now: Frame, tile_size: int) -> npt.NDArray[np.bool_]:
    """Return which tiles differ in any pixel, [rows, columns]."""
    differs = (before != now).any(axis=2)
    rows, columns = differs.shape[0] // tile_size, differs.shape[1] // tile_size
    return np.asarray(
        differs.reshape(rows, tile_size, columns, tile_size).any(axis=(1, 3)), np.bool_
    )


def tones(picture: Frame, grid: Size) -> Tones:
    """Return the mean tone of the cells of a picture on a grid of (columns, rows)."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey.astype(np.float32), grid, interpolation=cv2.INTER_AREA)
    return np.asarray(small / 255, np.float32)


def lag(taken: list[Step]) -> float:
    """Return how many frames the mosaic is behind where the scene moves; 0 if it follows at once.

    That is the mix of the last two frames' tones, 0 for the newest and 1 for the one before,
    that comes nearest to what is shown.
    """
    above = below = 0.0
    for before, now in itertools.pairwise(taken):
        back = before.wanted - now.wanted
        there = np.abs(back) > MOVED
        above += float(((now.shown - now.wanted) * back)[there].sum())
        below += float(np.square(back[there]).sum())
    return above / below if below else 0.0


def behind(taken: list[Step]) -> float:
    """Return the share of moving cells that still show what was there two frames ago."""
    late = moved = 0
    for old, before, now in zip(taken, taken[1:], taken[2:], strict=False):
        there = np.abs(now.wanted - old.wanted) > MOVED
        away = [np.abs(now.shown - step.wanted) for step in (old, before, now)]
        late += int(((away[0] < np.minimum(away[1], away[2])) & there & (away[2] > MOVED)).sum())
        moved += int(there.sum())
    return late / moved if moved else 0.0


def unmoved(frames: Sequence[Frame]) -> npt.NDArray[np.bool_]:
    """Return which cells, [rows, columns], look in the last frame as they did in all others."""
    *others, last = frames
    grid = COLUMNS, last.shape[0] * COLUMNS // last.shape[1]
    away = [tones(np.asarray(cv2.absdiff(last, other), np.uint8), grid) for other in others]
    return np.asarray(np.max(away, axis=0) < CALM, np.bool_)


def hand(frames: int) -> Iterator[Frame]:
    """A hand that crosses a still scene, seen by a noisy camera."""
    scene = Demo(size=HD).frame(0)

    def draw() -> Iterator[Frame]:
        for number in range(frames):
            place = (RADIUS + number * SPEED, HD[1] // 2)
            yield np.asarray(cv2.circle(scene.copy(), place, RADIUS, SKIN, cv2.FILLED), np.uint8)

    return add_noise(draw())


def _filter(stability: float) -> MosaicFilter:
    made = MosaicFilter.load("digits", columns=COLUMNS)
    made.stability = stability
    return made


def _played(film: Film) -> Iterator[Frame]:
    return (film.decode(number) for number in range(len(film.jpegs)))


def _still(stability: float, noise: float, frames: int) -> Row:
    bright = Demo(size=HD).frame(0)
    dark = np.asarray(cv2.convertScaleAbs(bright, alpha=DUSK), np.uint8)
    shares = []
    for scene in (bright, dark):
        taken = list(steps(add_noise((scene for _ in range(SETTLING + frames)), noise), stability))
        shares.append(100 * float(np.mean([step.changed.mean() for step in taken[SETTLING:]])))
    name = f"still, stability {stability:g}"
    compared = f"% of tiles changed a frame, noise {noise:g}"
    return Row(name, compared, max(shares), None, _calmness(stability))


def _following(name: str, frames: Iterable[Frame], stability: float) -> list[Row]:
    taken = list(steps(frames, stability))
    return [
        Row(name, "frames that moving cells lag", lag(taken), None, 1.0),
        Row(name, "% of them more than a frame late", 100 * behind(taken), None, 1.0),
    ]


def _cut(stability: float) -> list[Row]:
    first = Demo(size=HD).frame(0)
    second = np.asarray(255 - cv2.flip(first, 1), np.uint8)
    before, after = list(steps([first] * SETTLING + [second], stability))[-2:]
    there = np.abs(after.wanted - before.wanted) > MOVED
    old = np.abs(after.shown - before.wanted) < np.abs(after.shown - after.wanted)
    fresh = next(steps([first, second], 0.0))
    error, best = (float(np.sqrt(np.square(s.shown - s.wanted).mean())) for s in (after, fresh))
    name = f"cut, stability {stability:g}"
    return [
        Row(name, "% of tiles that show the old scene", 100 * float(old[there].mean()), None, 0.5),
        Row(name, "tone error in the first frame: held / fresh tiles", error, best),
    ]


def _calmness(stability: float) -> float | None:
    """Return the bar of what may change in a still scene; None where that is asked for."""
    return MOST_CHANGED if stability >= USUAL else None


def _calm_cells(name: str, film: Film, stability: float) -> Row:
    frames = list(_played(film))
    changed = calm = 0
    for number, step in enumerate(steps(frames, stability), start=1):
        if number >= HELD:
            still = unmoved(frames[number - HELD : number + 1])
            changed += int((step.changed & still).sum())
            calm += int(still.sum())
    share = 100 * changed / calm if calm else 0.0
    compared = "% of tiles changed a frame where the scene is still"
    return Row(name, compared, share, None, _calmness(stability))
