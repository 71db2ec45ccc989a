"""What travels with a tile set: the sidecar that the run time reads and the card people read."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

FORMAT = 1
"""Version of `tileset.json`; raised when a run time could misread the file."""

MOST_NAMES = 24  # of kinds that a card lists


@dataclass(frozen=True)
class Sidecar:
    """The content of `tileset.json`.

    Attributes:
        name: folder name, as given to `--tiles`.
        title: what the tiles show, in words.
        tile_size: pixels along one side of a tile as it was trained.
        channels: 1 for grey tiles, 3 for BGR ones.
        patch_size: pixels along one side of the regressor's input.
        patch_channels: 1 for luminance, 3 for BGR.
        shape_latents: latents that choose the shape of a tile.
        tone: two more latents come last, tone (ink) and polarity.
        tone_range: darkest and brightest mean a tile can take, 0..1.
        classes: names of what the tiles show; empty if unnamed.
        licence: of the pictures the set was trained on.
        source: where those pictures come from.
        command: the command line that trained the set.
        seed: of the random generators.
        commit: of the code; empty if unknown.
        epochs: passes over the training set.
        duration_s: seconds the training took.
        kinds: sorts of tiles side by side along the first latent, such as the ten digits; the
            regressor then takes a taste among them. 0 if there are none.
        colour: three more latents follow the shape ones, mean blue, green and red, which the
            tile's mean colour is exactly; instead of tone and polarity.
        shading: how far the corners of a tile may be from its mean tone: as a share of that tone
            (of its distance from white, for dark ink on light paper), and at most; None without.
            If so, two more latents follow the shape ones: how the tone rises from edge to edge to
            the right, and downwards, from `-2 * most` to `2 * most`.
        metrics: measured figures by name.
    """

    name: str
    title: str
    tile_size: int
    channels: int
    patch_size: int
    patch_channels: int
    shape_latents: int
    tone: bool
    tone_range: tuple[float, float]
    classes: tuple[str, ...]
    licence: str
    source: str
    command: str
    seed: int
    commit: str
    epochs: int
    duration_s: float
    kinds: int = 0
    colour: bool = False
    shading: tuple[float, float] | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def latents(self) -> int:
        """How many latents one tile takes."""
        return self.shape_latents + 2 * (self.shading is not None) + 2 * self.tone + 3 * self.colour

    def to_json(self) -> str:
        """Return the text of `tileset.json`."""
        content = {"format": FORMAT, **asdict(self)}
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def render_card(sidecar: Sidecar, notes: str = "", sizes: Mapping[str, int] | None = None) -> str:
    """Return the tile set's README in Markdown.

    Args:
        sidecar: what the tile set is.
        notes: Markdown placed after the table, such as the loss curve.
        sizes: bytes by file name.
    """
    colour = "grey" if sidecar.channels == 1 else "colour"
    latents = f"{sidecar.shape_latents} shape" + (", 2 slopes" if sidecar.shading else "")
    latents += ", tone and polarity" if sidecar.tone else ""
    latents += ", mean blue, green and red" if sidecar.colour else ""
    rows = [
        ("Tiles", f"{colour}, {sidecar.tile_size} x {sidecar.tile_size} as trained, any size out"),
        ("Latents", latents),
        ("Mean tone of the tiles", "{:.2f} to {:.2f}".format(*sidecar.tone_range)),
        ("Shows", _shown(sidecar.classes)),
        ("Trained on", sidecar.source),
        ("Licence of that", sidecar.licence),
        ("Made by", f"`{sidecar.command}`"),
        ("Training", f"{sidecar.epochs} epochs, {_minutes(sidecar.duration_s)}"),
        ("Seed, commit", f"{sidecar.seed}, {sidecar.commit or 'unknown'}"),
    ]
    rows += [(name, f"{value:.4g}") for name, value in sidecar.metrics.items()]
    rows += [(f"`{name}`", f"{size / 1e6:.2f} MB") for name, size in (sizes or {}).items()]
    table = "\n".join(f"| {key} | {value} |" for key, value in rows)
    parts = [f"# {sidecar.name}: {sidecar.title}", f"| | |\n|---|---|\n{table}", notes.strip()]
    return "\n\n".join(part for part in parts if part) + "\n"


def current_commit(folder: Path = Path(__file__).parent) -> str:
    """Return the commit of the checkout that a folder lies in, empty if unknown.

    `-dirty` is added where a file of it was changed. Tile sets do not count: training several in
    turn changes them, and reads none. Teachers do, for they are read.
    """
    paths = [":(top)", ":(top,exclude,glob)models/*/*"]
    try:
        commit = _git(folder, "rev-parse", "--short=12", "HEAD")
        changed = _git(folder, "diff", "--name-only", "HEAD", "--", *paths)
    except (OSError, subprocess.CalledProcessError):
        return ""  # an unpacked archive, or no git: the card says "unknown"
    return commit + ("-dirty" if changed else "")


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _shown(classes: Sequence[str]) -> str:
    names = list(dict.fromkeys(classes))
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more if names else "unnamed pictures"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
