"""Tile sets on disk: a decoder, a regressor, and a sidecar that says what they take and give.

A folder holds `decoder.onnx` (latents [N, D], pixels [T] -> tiles [N, T, T] or [N, T, T, 3]),
`regressor.onnx` (patches [N, C, P, P] -> latents [N, D]) and `tileset.json`. Where a set has kinds,
its regressor takes taste [N, K] and forgiveness [1] too, and polarity [N] if it has a tone as well.
A tile set may come from a stranger: it is checked before use.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realtime.errors import UserError

FORMAT = 1
MOST_FILE_BYTES = 64 << 20
_FILES = ("tileset.json", "decoder.onnx", "regressor.onnx")


@dataclass(frozen=True)
class TileSet:
    """What the run time needs to know of a tile set; the content of `tileset.json`.

    Attributes:
        folder: where the files are.
        name: as given to `--tiles`.
        title: what the tiles show, in words.
        tile_size: pixels along one side of a tile as it was trained.
        channels: 1 for grey tiles, 3 for BGR ones.
        patch_size: pixels along one side of the regressor's input.
        patch_channels: 1 for luminance, 3 for BGR.
        kinds: K, sorts of tiles (the ten digits) that lie side by side along the first latent;
            0 if there are none.
        shape_latents: latents that choose the shape, the kind included.
        shading: how far the corners of a tile may be from its mean tone: as a share of that tone
            (of its distance from white, for dark ink on light paper), and at most; None without.
            If so, two more latents follow the shape ones: how the tone rises from edge to edge to
            the right, and downwards, from `-2 * most` (latent 0) to `2 * most` (latent 1).
        tone: two more latents come last, tone and polarity.
        colour: three more latents follow instead, mean blue, green and red.
        tone_range: darkest and brightest mean a tile can take, 0..1.
        classes: what the kinds are called; empty if unnamed.
    """

    folder: Path
    name: str
    title: str
    tile_size: int
    channels: int
    patch_size: int
    patch_channels: int
    kinds: int
    shape_latents: int
    shading: tuple[float, float] | None
    tone: bool
    colour: bool
    tone_range: tuple[float, float]
    classes: tuple[str, ...]

    @property
    def latents(self) -> int:
        """D, how many latents one tile takes."""
        return self.shape_latents + 2 * (self.shading is not None) + 2 * self.tone + 3 * self.colour

    @property
    def slopes(self) -> slice:
        """Which latents are the slopes, if there is shading."""
        return slice(self.shape_latents, self.shape_latents + 2 * (self.shading is not None))

    @property
    def styles(self) -> int:
        """Shape latents besides the kind."""
        return self.shape_latents - (1 if self.kinds else 0)

    @classmethod
    def load(cls, name_or_folder: str | Path) -> TileSet:
        """Read a shipped tile set by name, or any folder that holds one.

        Raises:
            UserError: there is no such tile set, or its sidecar cannot be used.
        """
        folder = find(name_or_folder)
        for file in _FILES:
            _check_file(folder / file)
        try:
            content = json.loads((folder / "tileset.json").read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise UserError(f"{folder / 'tileset.json'}: not readable as JSON ({error})") from error
        return _parse(folder, content)


def shipped_folder() -> Path:
    """The folder of the shipped tile sets: inside the package in a wheel, else beside it."""
    package = Path(__file__).resolve().parent
    inside = package / "models"
    return inside if inside.is_dir() else package.parent / "models"


def available() -> list[str]:
    """Names of the shipped tile sets, sorted."""
    return sorted(path.parent.name for path in shipped_folder().glob("*/tileset.json"))


def find(name_or_folder: str | Path) -> Path:
    """The folder of a tile set.

    Raises:
        UserError: neither a shipped name nor a folder with a `tileset.json`.
    """
    shipped = available()
    if isinstance(name_or_folder, str) and name_or_folder in shipped:
        return shipped_folder() / name_or_folder
    folder = Path(name_or_folder)
    if (folder / "tileset.json").is_file():
        return folder
    names = ", ".join(shipped) or "none"
    asked = str(name_or_folder)
    raise UserError(f"no tile set {asked!r}: give one of {names}, or a folder of export.train")


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise UserError(f"{path}: missing; the tile set is incomplete, train or download it again")
    if path.stat().st_size > MOST_FILE_BYTES:
        raise UserError(f"{path}: larger than {MOST_FILE_BYTES >> 20} MB; refused")


def _parse(folder: Path, content: Any) -> TileSet:
    where = folder / "tileset.json"
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UserError(
            f"{where}: not a tile set of format {FORMAT}; update Automosaics or the set"
        )
    numbers = {
        "tile_size": (2, 256),
        "channels": (1, 3),
        "patch_size": (1, 64),
        "patch_channels": (1, 3),
        "kinds": (0, 256),
        "shape_latents": (1, 256),
    }
    values = {key: _integer(where, content, key, limits) for key, limits in numbers.items()}
    for key in ("channels", "patch_channels"):
        if values[key] == 2:
            raise UserError(f"{where}: {key}: found 2, expected 1 or 3")
    return TileSet(
        folder=folder,
        name=folder.resolve().name,
        title=str(content.get("title", ""))[:200],
        shading=_shading(where, content.get("shading")),
        tone=content.get("tone") is True,
        colour=content.get("colour") is True,
        tone_range=_tone_range(where, content.get("tone_range")),
        classes=tuple(str(name)[:40] for name in list(content.get("classes") or ())[:256]),
        **values,
    )


def _integer(where: Path, content: dict[str, Any], key: str, limits: tuple[int, int]) -> int:
    value = content.get(key, 0 if key == "kinds" else None)
    if type(value) is not int or not limits[0] <= value <= limits[1]:
        raise UserError(f"{where}: {key}: found {value!r}, expected {limits[0]} to {limits[1]}")
    return value


def _shading(where: Path, value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    share, most = _pair(where, "shading", value)
    if not (0 < share < 1 and 0 < most < 0.25):  # so that any shading fits a signed byte
        raise UserError(f"{where}: shading: found {value!r}, expected below 1 and 0.25")
    return share, most


def _tone_range(where: Path, value: Any) -> tuple[float, float]:
    low, high = _pair(where, "tone_range", value)
    if not 0 <= low < high <= 1:
        raise UserError(f"{where}: tone_range: found {value!r}, expected [low, high] within 0..1")
    return low, high


def _pair(where: Path, key: str, value: Any) -> tuple[float, float]:
    if isinstance(value, list) and len(value) == 2 and {type(v) for v in value} <= {int, float}:
        return float(value[0]), float(value[1])
    raise UserError(f"{where}: {key}: found {value!r}, expected two numbers")
