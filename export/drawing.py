"""Put pictures, captions and plots together on white sheets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from realtime.arrays import Tiles

Picture = Image.Image
Array = npt.NDArray[np.uint8]

MARGIN = 40
INK, GREY, RULE = "#202020", "#6b6b6b", "#d0d0d0"
COLOURS = (
    *("#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2"),
    *("#edc948", "#b07aa1", "#ff9da7", "#9c755f", "#86827d"),
)
"""Tableau's ten, told apart by most eyes."""
DOT_OPACITY = 0.55  # of one point of a scatter, so that crowds look darker than strays


def picture(array: Array, enlarge: int = 1) -> Picture:
    """Turn [H, W] or [H, W, 3] BGR uint8 into a picture, every pixel `enlarge` wide."""
    pixels = array if array.ndim == 2 else array[..., ::-1]
    made = Image.fromarray(np.ascontiguousarray(pixels)).convert("RGB")
    return made.resize((made.width * enlarge, made.height * enlarge), Image.Resampling.NEAREST)


def tile_grid(tiles: Tiles, columns: int, enlarge: int = 1, gap: int = 0) -> Picture:
    """Lay [N, T, T] or [N, T, T, 3] tiles out row by row."""
    cells = [picture(tile, enlarge) for tile in tiles]
    lines = [beside(cells[at : at + columns], gap) for at in range(0, len(cells), columns)]
    return below(lines, gap)


def beside(pictures: Sequence[Picture], gap: int = 16) -> Picture:
    """Put pictures side by side, aligned at the top."""
    width = sum(one.width for one in pictures) + gap * (len(pictures) - 1)
    sheet = Image.new("RGB", (width, max(one.height for one in pictures)), "white")
    at = 0
    for one in pictures:
        sheet.paste(one, (at, 0))
        at += one.width + gap
    return sheet


def below(pictures: Sequence[Picture], gap: int = 16) -> Picture:
    """Put pictures below each other, aligned at the left."""
    height = sum(one.height for one in pictures) + gap * (len(pictures) - 1)
    sheet = Image.new("RGB", (max(one.width for one in pictures), height), "white")
    at = 0
    for one in pictures:
        sheet.paste(one, (0, at))
        at += one.height + gap
    return sheet


def captioned(pasted: Picture, caption: str, size: int = 20) -> Picture:
    """Write a line, centred, below a picture."""
    sheet = Image.new("RGB", (pasted.width, pasted.height + size * 2), "white")
    sheet.paste(pasted, (0, 0))
    where = (pasted.width / 2, pasted.height + size)
    ImageDraw.Draw(sheet).text(where, caption, fill=GREY, font=_font(size), anchor="mm")
    return sheet


def titled(pasted: Picture, title: str, note: str = "") -> Picture:
    """Put a picture on a sheet with a margin, a title and a smaller line."""
    top = MARGIN + 40 + (34 if note else 0)
    pen = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    widest = max(pen.textlength(title, _font(30)), pen.textlength(note, _font(20)))
    width = max(pasted.width, round(widest)) + 2 * MARGIN
    sheet = Image.new("RGB", (width, pasted.height + top + 16 + MARGIN), "white")
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, MARGIN), title, fill=INK, font=_font(30), anchor="lt")
    pen.text((MARGIN, MARGIN + 42), note, fill=GREY, font=_font(20), anchor="lt")
    sheet.paste(pasted, (MARGIN, top + 16))
    return sheet


def with_axes(pasted: Picture, labels: tuple[str, str]) -> Picture:
    """Frame a picture of the unit square with ticks; the second axis points upwards."""
    left, bottom = 96, 80
    sheet = Image.new("RGB", (pasted.width + left + 24, pasted.height + bottom + 12), "white")
    sheet.paste(pasted, (left, 12))
    pen = ImageDraw.Draw(sheet)
    floor, side = 12 + pasted.height, pasted.height
    pen.rectangle((left - 1, 11, left + pasted.width, floor), outline=GREY)
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = left + value * pasted.width, floor - value * side
        pen.line((x, floor, x, floor + 6), fill=GREY)
        pen.line((left - 6, y, left, y), fill=GREY)
        pen.text((x, floor + 12), f"{value:g}", fill=GREY, font=_font(18), anchor="mt")
        pen.text((left - 12, y), f"{value:g}", fill=GREY, font=_font(18), anchor="rm")
    where = (left + pasted.width / 2, floor + 44)
    pen.text(where, labels[0], fill=INK, font=_font(20), anchor="mt")
    _write_upwards(sheet, labels[1], (20, 12 + pasted.height // 2))
    return sheet


def scatter(
    points: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    side: int,
    rng: np.random.Generator,
) -> Picture:
    """Draw points of the unit square, coloured by label, `side` pixels wide.

    Args:
        points: [N, 2], 0..1; the second coordinate points upwards.
        labels: [N]; picks from `COLOURS`.
        side: of the picture, in pixels.
        rng: shuffles the points, so that no class covers the others.
    """
    palette = np.array([_rgb(colour) for colour in COLOURS], np.float32)
    canvas = np.full((2 * side, 2 * side, 3), 255, np.float32)  # twice as fine, for round dots
    order = rng.permutation(len(points))
    centres = np.clip(points[order] * 2 * side, 2, 2 * side - 3).astype(int)
    colours = palette[labels[order] % len(palette)]
    for (x, up), colour in zip(centres, colours, strict=True):
        dot = canvas[2 * side - up - 2 : 2 * side - up + 2, x - 2 : x + 2]
        dot += (colour - dot) * DOT_OPACITY
    return Image.fromarray(canvas.astype(np.uint8)).resize((side, side), Image.Resampling.BOX)


def legend(names: Sequence[str]) -> Picture:
    """List names beside squares of their colours."""
    pen = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    width = 40 + max(round(pen.textlength(name, _font(22))) for name in names)
    sheet = Image.new("RGB", (width, 36 * len(names) + 12), "white")
    pen = ImageDraw.Draw(sheet)
    for number, name in enumerate(names):
        top = 12 + 36 * number
        pen.rectangle((0, top, 21, top + 21), fill=COLOURS[number % len(COLOURS)])
        pen.text((36, top + 11), name, fill=INK, font=_font(22), anchor="lm")
    return sheet


def framed(pasted: Picture) -> Picture:
    """Draw a thin rule around a picture, so that white ones end somewhere."""
    sheet = Image.new("RGB", (pasted.width + 2, pasted.height + 2), RULE)
    sheet.paste(pasted, (1, 1))
    return sheet


def save(sheet: Picture, path: Path) -> None:
    """Write a PNG file, with one channel where there is no colour: a third of the size."""
    pixels = np.asarray(sheet)
    grey = np.array_equal(pixels[..., 0], pixels[..., 1]) and np.array_equal(
        pixels[..., 1], pixels[..., 2]
    )
    (sheet.convert("L") if grey else sheet).save(path, optimize=True)


def _write_upwards(sheet: Picture, text: str, centre: tuple[int, int]) -> None:
    width = round(ImageDraw.Draw(sheet).textlength(text, _font(20))) + 4
    line = Image.new("RGB", (width, 28), "white")
    ImageDraw.Draw(line).text((width / 2, 14), text, fill=INK, font=_font(20), anchor="mm")
    turned = line.rotate(90, expand=True)
    sheet.paste(turned, (centre[0] - turned.width // 2, centre[1] - turned.height // 2))


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue
