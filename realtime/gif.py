"""GIF, written as pictures come, each stretch of them with a palette that suits it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, TypeAlias, cast

# First OpenCV: where PyAV's X11 libraries are loaded before, OpenCV's windows hang.
import cv2  # isort: split

import av
import numpy as np
import numpy.typing as npt
from av.filter import Graph

from realtime.arrays import Frame, Size

GATHERED = 8
"""Pictures that a palette is chosen from, half a second of them; so many wait at most."""
_WORSE = 1.25
"""A palette that serves a picture worse than this, by its errors on those it was chosen from, is
replaced. In one scene they stay within 1.12."""
_NOTICED = 0.5
"""Levels of 255 by which it must be worse, too: below, nobody sees it."""
_SAMPLED = 4
"""Every fourth row and column tell how well a palette serves."""
_TICKS_PER_S = 100
_ONLY_TICKS = 10
"""How long a picture is shown that is the only one."""
# The classic order in which a 4x4 block fills up, as what is added to 8 bits before 2 are cut off.
_BAYER = (np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) // 4).astype(
    np.uint8
)
_AT_ONCE = 256
"""Colours that are looked up in one go: with their distances they fit a processor's cache."""

# As the format has it. First signature, screen and the palette of all pictures that have none.
_HEAD = 13 + 3 * 256
_LOOP = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
# A picture begins with its control: 21 f9 04, flags, delay (2), transparent colour, 00. Then its
# place: 2c, x, y, width, height (2 each), flags; then, if these say so, its own palette.
_CONTROL = b"\x21\xf9\x04"
_DELAY = slice(4, 6)
_PLACE = 18
_OWN_PALETTE = b"\x87"

Colours: TypeAlias = npt.NDArray[np.uint8]
"""[256, 4] uint8 BGRA."""


class GifEncoder:
    """Turns pictures into the bytes of a GIF that repeats for ever.

    The first ones wait until there are `GATHERED`, and with them a palette of 256 colours. It stays
    as long as it serves; then the next is chosen in the same way. So memory and what is left to do
    at the end are bounded, whatever the length.

    Attributes:
        end: what the file must end with, after all that was returned.
    """

    end = b";"

    def __init__(self, size: Size) -> None:
        """Begin a file of pictures of `size` (width, height)."""
        self._size = size
        self._gathered: list[tuple[Frame, int]] = []
        self._stretch: _Stretch | None = None
        # Of pictures that have none of their own.
        self._palette = b""
        # The last picture, and its moment; the next one's tells how long it is shown.
        self._held: tuple[bytes, int] | None = None
        self._delay = _ONLY_TICKS

    def add(self, image: Frame, time_s: float) -> bytes:
        """Take a picture, [H, W, 3] uint8 BGR, which is shown from `time_s` on.

        Returns:
            What can be written already.
        """
        ticks = round(_TICKS_PER_S * time_s)
        if not self._gathered and self._stretch is not None and self._stretch.serves(image):
            return self._write(image, ticks)
        self._gathered.append((image, ticks))
        return self._write_gathered() if len(self._gathered) >= GATHERED else b""

    def finish(self) -> bytes:
        """Return the rest of the file, but for `end`; at least one picture was taken."""
        rest = self._write_gathered() if self._gathered else b""
        return rest + self._release(None)

    def close(self) -> None:
        """Let go of what it holds, which is memory only."""

    def _write_gathered(self) -> bytes:
        self._stretch = _Stretch(self._size, [image for image, _ in self._gathered])
        written = b"".join(self._write(image, ticks) for image, ticks in self._gathered)
        self._gathered.clear()
        return written

    def _write(self, image: Frame, ticks: int) -> bytes:
        stretch = cast(_Stretch, self._stretch)
        packet, head = stretch.encode(image, ticks), b""
        if not packet.startswith(_CONTROL):
            # The encoder of every stretch begins a file of its own.
            if not self._palette:
                head, self._palette = packet[:_HEAD] + _LOOP, stretch.rgb
            packet = packet[_HEAD:]
        if stretch.rgb != self._palette:
            packet = packet[: _PLACE - 1] + _OWN_PALETTE + stretch.rgb + packet[_PLACE:]
        written = head + self._release(ticks)
        self._held = packet, ticks
        return written

    def _release(self, next_ticks: int | None) -> bytes:
        """Return the picture that waits for the moment of the next one; the last lasts as long."""
        if self._held is None:
            return b""
        packet, ticks = self._held
        if next_ticks is not None:
            self._delay = next_ticks - ticks
        delay = min(self._delay, 0xFFFF).to_bytes(2, "little")
        return packet[: _DELAY.start] + delay + packet[_DELAY.stop :]


class _Stretch:
    """Pictures with a palette in common, of which each keeps what differs from the one before.

    Attributes:
        rgb: its palette, as the format has it.
    """

    def __init__(self, size: Size, images: list[Frame]) -> None:
        palette = _palette(images, size)
        self.rgb = palette[:, 2::-1].tobytes()
        self._argb = np.ascontiguousarray(palette[:, ::-1])
        self._bgr = palette[:, :3]
        self._nearest = _nearest(palette)
        self._usual = sum(self._error(image) for image in images) / len(images)
        encoder = av.CodecContext.create("gif", "w")
        encoder.width, encoder.height = size
        encoder.pix_fmt = "pal8"
        encoder.time_base = Fraction(1, _TICKS_PER_S)
        self._encoder = encoder

    def serves(self, image: Frame) -> bool:
        """Return whether its palette suits a picture about as well as those it was chosen from."""
        return self._error(image) <= max(_WORSE * self._usual, self._usual + _NOTICED)

    def encode(self, image: Frame, ticks: int) -> bytes:
        """Return a picture as libav encodes it, before the first one with the head of a file."""
        pixels: Any = np.take(self._nearest, _dithered(image)), self._argb
        frame = av.VideoFrame.from_ndarray(pixels, "pal8")
        frame.pts, frame.time_base = ticks, Fraction(1, _TICKS_PER_S)
        return b"".join(bytes(packet) for packet in self._encoder.encode(frame))

    def _error(self, image: Frame) -> float:
        """Return by how many levels its colours miss those of a picture, in the mean."""
        some = image[::_SAMPLED, ::_SAMPLED]
        found = np.take(self._bgr, np.take(self._nearest, _cut(some)), axis=0)
        return float(cv2.norm(found, some, cv2.NORM_L1) / some.size)


def _palette(images: list[Frame], size: Size) -> Colours:
    """Return the 256 colours that suit pictures best, one of them transparent."""
    graph = Graph()
    bgra = av.VideoFormat("bgra")
    colours = graph.add_buffer(None, *size, bgra, time_base=Fraction(1, _TICKS_PER_S))
    choice, chosen = graph.add("palettegen", "stats_mode=full"), graph.add("buffersink")
    colours.link_to(choice)
    choice.link_to(chosen)
    graph.configure()
    for image in images:
        # To 6 bits, as they are looked up later: fewer colours are sooner sorted into a palette.
        bits = (image & 0xFC | image >> 6).astype(np.uint8)
        colours.push(av.VideoFrame.from_ndarray(bits, "bgr24").reformat(format="bgra"))
    colours.push(None)
    palette = cast(av.VideoFrame, chosen.pull()).to_ndarray(format="bgra")
    return np.asarray(palette, np.uint8).reshape(256, 4)


def _nearest(palette: Colours) -> npt.NDArray[np.uint8]:
    """Return the index in a palette of the nearest colour to each of 6 bits a channel.

    Args:
        palette: what is not opaque in it is for pixels that do not change.

    Returns:
        [2^18] by codes as from `_cut`.
    """
    opaque = np.flatnonzero(palette[:, 3] == 255)
    colours = palette[opaque, :3].astype(np.float32).T
    # |a - b|^2 = |a|^2 - 2ab + |b|^2, of which the first is the same for all of the palette.
    factors = np.vstack([-2 * colours * np.float32(255 / 63), (colours**2).sum(axis=0)])
    found = np.empty(1 << 18, np.uint8)
    for start in range(0, len(found), _AT_ONCE):
        some = np.arange(start, start + _AT_ONCE, dtype=np.int32)
        wanted = np.stack([some >> 12, some >> 6 & 63, some & 63, np.ones_like(some)], axis=1)
        found[some] = opaque[(wanted.astype(np.float32) @ factors).argmin(axis=1)]
    return found


def _dithered(image: Frame) -> npt.NDArray[np.int32]:
    """Cut a picture to 6 bits, a fixed pattern standing for what lies between.

    The pattern stands still; error diffusion would crawl, at three times the size of file.
    """
    rows, columns = (-(-side // len(_BAYER)) for side in image.shape[:2])
    pattern = np.tile(_BAYER, (rows, columns))[: image.shape[0], : image.shape[1]]
    return _cut(np.asarray(cv2.add(image, cv2.merge([pattern] * 3)), np.uint8))


def _cut(image: Frame) -> npt.NDArray[np.int32]:
    """Cut a picture [H, W, 3] to 6 bits a channel: codes [H, W] of blue, green and red."""
    blue, green, red = (plane.astype(np.int32) >> 2 for plane in cv2.split(image))
    return np.asarray(blue << 12 | green << 6 | red)
