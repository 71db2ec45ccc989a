"""Tile sets on disk: a decoder, a regressor, and a sidecar that says what they take and give.

A folder holds `decoder.onnx` (latents [N, D], pixels [T] -> tiles [N, T, T] or [N, T, T, 3]),
`regressor.onnx` (patches [N, C, P, P] -> latents [N, D]) and `tileset.json`. Where a set has kinds,
its regressor takes taste [N, K] and forgiveness [1] too, and polarity [N] if it has a tone as well.
A tile set may come from a stranger: it is checked before use.
"""

from __future__ import annotations

import json
import reprlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realtime.errors import UserError, one_line

FORMAT = 1
MOST_KINDS = 256
MOST_BYTES = {"tileset.json": 256 << 10, "decoder.onnx": 32 << 20, "regressor.onnx": 32 << 20}
"""The files of a tile set. `export` writes 10 KB and 6 MB at most."""


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
        for file in MOST_BYTES:
            _check_file(folder, file)
        text = _read(folder, "tileset.json")
        try:
            content = json.loads(text.decode(), parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            where = folder / "tileset.json"
            raise UserError(f"{where}: not readable as JSON ({one_line(error)})") from error
        return _parse(folder, content)

    @property
    def shipped(self) -> bool:
        """Whether it is one of those that come with the program."""
        return self.folder.resolve().parent == shipped_folder().resolve()

    def read(self, file: str) -> bytes:
        """Return the content of one of its files.

        Raises:
            UserError: it is missing, too large, not to be read, or lies in another folder.
        """
        return _read(self.folder, file)


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
    if _is_file(folder / "tileset.json"):
        return folder
    names = ", ".join(shipped) or "none"
    asked = str(name_or_folder)
    raise UserError(f"no tile set {asked!r}: give one of {names}, or a folder of export.train")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # Too long for a path, or in a folder that is closed to us.
        return False


def _check_file(folder: Path, file: str) -> None:
    path, most = folder / file, MOST_BYTES[file]
    if not _is_file(path):
        raise UserError(f"{path}: missing; the tile set is incomplete, train or download it again")
    if path.resolve().parent != folder.resolve():
        raise UserError(f"{path}: a link to elsewhere; refused")
    if path.stat().st_size > most:
        raise UserError(f"{path}: larger than {most >> 10:,} KB; refused")


def _read(folder: Path, file: str) -> bytes:
    _check_file(folder, file)
    try:
        with (folder / file).open("rb") as opened:
            return opened.read(MOST_BYTES[file])
    except OSError as error:
        raise UserError(f"{folder / file}: cannot be read ({error.strerror})") from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"found {name}, expected a number")


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
        "kinds": (0, MOST_KINDS),
        "shape_latents": (1, 256),
    }
    values = {key: _integer(where, content, key, limits) for key, limits in numbers.items()}
    for key in ("channels", "patch_channels"):
        if values[key] == 2:
            raise UserError(f"{where}: {key}: found 2, expected 1 or 3")
    return TileSet(
        folder=folder,
        name=folder.resolve().name,
        title=_title(where, content.get("title", "")),
        shading=_shading(where, content.get("shading")),
        tone=content.get("tone") is True,
        colour=content.get("colour") is True,
        tone_range=_tone_range(where, content.get("tone_range")),
        classes=_classes(where, content.get("classes", [])),
        **values,
    )


def _title(where: Path, value: Any) -> str:
    if not isinstance(value, str):
        raise UserError(f"{where}: title: found {reprlib.repr(value)}, expected a text")
    return one_line(value)


def _integer(where: Path, content: dict[str, Any], key: str, limits: tuple[int, int]) -> int:
    value = content.get(key, 0 if key == "kinds" else None)
    if type(value) is not int or not limits[0] <= value <= limits[1]:
        raise UserError(
            f"{where}: {key}: found {reprlib.repr(value)}, expected {limits[0]} to {limits[1]}"
        )
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
    if not low < high:
        raise UserError(f"{where}: tone_range: found {value!r}, expected [low, high]")
    return low, high


def _pair(where: Path, key: str, value: Any) -> tuple[float, float]:
    numeric = isinstance(value, list) and all(type(v) in (int, float) for v in value)
    if not numeric or len(value) != 2 or not all(0 <= v <= 1 for v in value):
        found = reprlib.repr(value)
        raise UserError(f"{where}: {key}: found {found}, expected two numbers within 0..1")
    return float(value[0]), float(value[1])


def _classes(where: Path, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise UserError(f"{where}: classes: found {reprlib.repr(value)}, expected names")
    return tuple(one_line(name, 40) for name in value[:MOST_KINDS])
