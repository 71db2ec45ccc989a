"""The evaluation as a Markdown page with pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from export.claims import CELL, COUNTS, SEEN_WIDTH, SIZES, Claims
from export.metrics import Row
from realtime import MosaicFilter
from realtime.arrays import Frame
from realtime.grid import coarsen
from realtime.picture import read_picture

RANDOM = 10_000  # latents drawn at random
PICTURES = 3  # frames shown of every tile set
COLUMNS = 64
WIDTH = 960


class Report:
    """Collects paragraphs and pictures; `write` makes the page."""

    def __init__(self, out: Path, frames: Sequence[Frame]) -> None:
        """Start a report in the folder `out` on frames [H, W, 3] uint8 BGR."""
        self.out = out
        self._frames = frames[:PICTURES]
        self._parts: list[str] = ["# Evaluation"]
        out.mkdir(parents=True, exist_ok=True)

    def introduce(self, names: Sequence[str], frames: int, real: Sequence[float]) -> None:
        """Say what was measured, and how legible real digits are to the same judges."""
        self._parts.append(
            f"Tile sets: {', '.join(names)}. Mean over {frames} photographs that no training saw, "
            "64 x 36 tiles of 28 pixels. Tone error: root mean square difference of the cells' "
            "means in parts of full range, the frame clipped to 0.05..0.95. Structure: SSIM at "
            f"4 x 4 pixels a cell. Legible: share of tiles that {len(real)} classifiers trained "
            "apart read with p > 0.9, their mean, and those who read the least and the most; of "
            f"the real MNIST test digits they so read {_spread(real)}. Variety: entropy of the "
            "digits read, of 3.32 bits."
        )

    def table(self, rows: Sequence[Row]) -> None:
        """Add the main table."""
        lines = ["| | Tone error | Structure | Legible | Variety, bits |", "|---|---|---|---|---|"]
        for row in rows:
            found = row.figures
            legible = _spread(found.legible) if found.legible else ""
            variety = "" if found.variety is None else f"{found.variety:.2f}"
            lines.append(
                f"| {row.label} | {found.tone:.4f} | {found.structure:.3f} "
                f"| {legible} | {variety} |"
            )
        self._parts.append("\n".join(lines))

    def tint(self, errors: Mapping[str, float]) -> None:
        """Add the colour errors of `tint`, by tile set."""
        text = ", ".join(f"{name} {error:.2f}" for name, error in errors.items())
        self._parts.append(f"Colour in `tint`, mean CIEDE2000 of the cells' mean colours: {text}.")

    def random(self, shares: Mapping[str, Sequence[float]]) -> None:
        """Add how many tiles of latents drawn at random can be read, by tile set."""
        text = ", ".join(f"{name} {_spread(share)}" for name, share in shares.items())
        self._parts.append(
            f"Of {RANDOM:,} latents drawn at random, this share gives legible tiles: {text}."
        )

    def claims(self, name: str, found: Claims) -> None:
        """Add the three claims, measured for one tile set."""
        head = " | ".join(str(count) for count in COUNTS)
        generated = " | ".join(f"{error:.4f}" for error in found.generated)
        searched = " | ".join(f"{error:.4f}" for error in found.searched)
        columns = found.equal_fit_columns()
        fewer = (
            f"{columns:.0f} columns of generated tiles fit as well as {COUNTS[-1]} of searched "
            f"ones: {(COUNTS[-1] / columns) ** 2:.1f} times fewer tiles."
            if columns
            else "Generated tiles do not reach the fit of the most searched ones."
        )
        times = ", ".join(
            f"{size:,} pictures {ms:.0f} ms"
            for size, ms in zip(SIZES, found.search_ms, strict=True)
        )
        self._parts.append(
            f"## The claims of 2021, for {name}\n\n"
            f"Fit: root mean square error seen {SEEN_WIDTH} pixels wide, by columns of tiles.\n\n"
            f"| | {head} |\n|---|{'---|' * len(COUNTS)}\n| generated | {generated} |\n"
            f"| searched, all pictures and inverses | {searched} |\n\n{fewer}\n\n"
            f"Time of a frame of 64 columns: {name} {found.generate_ms:.1f} ms whatever it was "
            f"trained on; exact search at {CELL} pixels a cell: {times}.\n\n{_verdict(found)}"
        )

    def pictures(self, name: str) -> None:
        """Add the mosaics that a tile set makes of the first frames."""
        made = MosaicFilter.load(name, COLUMNS, WIDTH // COLUMNS, stabilise=False)
        links = []
        for number, frame in enumerate(self._frames):
            file = f"{made.tile_set}-{number}.jpg"
            self._save(file, made(frame))
            links.append(f"![{made.tile_set}, picture {number}]({file})")
        drawn = made.card.folder / "manifold.png"
        if drawn.is_file():
            picture = read_picture(drawn)
            half = coarsen(picture, (picture.shape[1] // 2, picture.shape[0] // 2))
            self._save(f"{made.tile_set}-manifold.jpg", half)
            links.append(f"![{made.tile_set}, its tiles]({made.tile_set}-manifold.jpg)")
        self._parts.append(f"## {made.tile_set}\n\n" + "\n\n".join(links))

    def write(self) -> Path:
        """Write the page and return its path."""
        page = self.out / "README.md"
        page.write_text("\n\n".join(self._parts) + "\n", encoding="utf-8")
        return page

    def _save(self, file: str, picture: Frame) -> None:
        done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])
        assert done
        (self.out / file).write_bytes(np.asarray(data).tobytes())


def _spread(shares: Sequence[float]) -> str:
    """The mean of what judges found, and the least and the most."""
    return f"{np.mean(shares):.3f} ({min(shares):.3f} to {max(shares):.3f})"


def _verdict(found: Claims) -> str:
    """Which claims hold, in a paragraph."""
    gains = [b / a for a, b in zip(found.generated, found.searched, strict=True)]
    worst = int(np.argmin(gains))
    fit = (
        f"Generated tiles fit better at every count, {min(gains):.1f} to {max(gains):.0f} times."
        if gains[worst] > 1
        else f"Searched tiles fit better at {COUNTS[worst]} columns, {1 / gains[worst]:.1f} times."
    )
    speed = found.search_ms[0] / found.generate_ms
    time = (
        f"Generating is quicker than searching even {SIZES[0]:,} pictures, {speed:.1f} times."
        if speed > 1
        else f"Searching {SIZES[0]:,} pictures is quicker than generating, {1 / speed:.1f} times."
    )
    return f"{fit} {time}"
