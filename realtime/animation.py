"""Short animations for sharing: GIF and WebP, small, looping, with the best palette there is."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol, TypeAlias, cast

# First OpenCV: where PyAV's X11 libraries are loaded before, OpenCV's windows hang.
import cv2  # isort: split

import av
import numpy as np
import numpy.typing as npt
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.stream import VideoStream

from realtime.arrays import Frame, Size
from realtime.background import Background
from realtime.errors import DeviceError, UserError
from realtime.output_file import create_file, write_all
from realtime.sinks import CheckedSink

LONGEST_SIDE = 640
"""Pixels. Measured on 6 s in 64 columns: GIF 1.8 MB mono, 3.5 MB tint; WebP 0.5 and 1.0 MB."""
FASTEST_FPS = 15.0
"""Every other frame of a usual camera: GIFs count in hundredths of a second."""
LONGEST_S = 30.0
"""Beyond, a video is a tenth of the size and a GIF too large for most places to share it."""
_EARLY = 0.2
"""By which share of its interval a frame may come too early, as a camera's do now and then."""
_WEBP = {"quality": "75", "compression_level": "2"}
# The classic order in which a 4x4 block fills up, as what is added to 8 bits before 2 are cut off.
_BAYER = (np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) // 4).astype(
    np.uint8
)
_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1)

Colours: TypeAlias = npt.NDArray[np.uint8]
"""[256, 4] uint8 BGRA."""


class Animation(CheckedSink):
    """A .gif or .webp that repeats for ever.

    It takes no more than `FASTEST_FPS` mosaics a second, shrinks them to `LONGEST_SIDE`, and ends
    after `LONGEST_S`. The file is written by `close`; without any mosaic none is left.

    Attributes:
        frames: how many mosaics were taken.
    """

    def __init__(
        self,
        path: str | Path,
        size: Size,
        *,
        overwrite: bool = False,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Create the file, so that a name that cannot be written is refused at once.

        Args:
            path: ends in .gif or .webp.
            size: (width, height) of the mosaics.
            overwrite: replace a file of that name.
            report: told in one line when the animation is full.

        Raises:
            UserError: another ending, a file that is there already, a place that cannot be written.
            DeviceError: the disk fails.
        """
        self._path = Path(path)
        super().__init__(f"animation {path}", size)
        self.frames = 0
        self._size = _shrunk(size)
        encoder = _ENCODERS.get(self._path.suffix.lower())
        if encoder is None:
            raise UserError(f"{path}: found {self._path.suffix}, expected one of .gif .webp")
        self._report = report
        self._start_s = 0.0
        self._last_s = -math.inf
        self._full = False
        self._file = create_file(self._path, overwrite=overwrite)
        self._encoder = encoder(self._size)
        self._background = Background(self._add, name=self.name)

    def _send(self, mosaic: Frame, time_s: float) -> None:
        if not math.isfinite(time_s):
            raise ValueError(f"time_s: found {time_s}, expected seconds")
        if self.frames == 0:
            self._start_s = time_s
        elif self._full or time_s - self._last_s < (1 - _EARLY) / FASTEST_FPS:
            return
        if time_s - self._start_s > LONGEST_S:
            self._full = True
            self._report(f"{self._path} is full after {LONGEST_S:g} s: record .mp4 for more")
            return
        self._last_s = time_s
        self.frames += 1
        small = cv2.resize(mosaic, self._size, interpolation=cv2.INTER_AREA)
        # A resize to the same size hands out the very array.
        image = np.array(small, np.uint8, copy=small is mosaic)
        self._background.put((image, time_s - self._start_s))

    def _add(self, item: tuple[Frame, float]) -> None:
        try:
            self._encoder.add(*item)
        except OSError as error:
            raise self._disk_error(error) from error

    def _close(self) -> None:
        try:
            self._background.close()
            if self.frames:
                write_all(self._file, self._encoder.finish())
        except OSError as error:
            raise self._disk_error(error) from error
        finally:
            self._encoder.close()
            self._file.close()
            if self.frames == 0:
                self._path.unlink()

    def _disk_error(self, error: OSError) -> DeviceError:
        return DeviceError(f"{self._path}: {os.strerror(error.errno or 0)}")


class _Encoder(Protocol):
    """Turns pictures into the bytes of a file."""

    def __init__(self, size: Size) -> None: ...

    def add(self, image: Frame, time_s: float) -> None:
        """Take a picture that is shown from `time_s` on."""
        ...

    def finish(self) -> bytes:
        """Return the file; at least one picture was taken."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class _Webp(_Encoder):
    """WebP, which keeps what differs from picture to picture, in all colours."""

    def __init__(self, size: Size) -> None:
        self._file = BytesIO()
        self._container = av.open(self._file, "w", format="webp", options={"loop": "0"})
        stream = self._container.add_stream("libwebp_anim", options=_WEBP)
        self._stream = _opened(stream, size, "bgra", 1000)

    def add(self, image: Frame, time_s: float) -> None:
        frame = av.VideoFrame.from_ndarray(image, "bgr24").reformat(format="bgra")
        frame.pts, frame.time_base = round(1000 * time_s), Fraction(1, 1000)
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> bytes:
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._file.getvalue()

    def close(self) -> None:
        self._container.close()


class _Gif(_Encoder):
    """GIF, whose one palette of 256 colours suits all of its pictures."""

    def __init__(self, size: Size) -> None:
        self._size = size
        # The pictures wait on disk until all are known, and with them the palette.
        self._spool = tempfile.TemporaryFile()  # noqa: SIM115
        self._waiting: list[tuple[float, int]] = []
        self._graph = Graph()
        self._colours = _buffer(self._graph, size)
        choice = self._graph.add("palettegen", "stats_mode=full")
        self._colours.link_to(choice)
        self._palette = self._graph.add("buffersink")
        choice.link_to(self._palette)
        self._graph.configure()

    def add(self, image: Frame, time_s: float) -> None:
        # To 6 bits, as they are looked up later: fewer colours are sooner sorted into a palette.
        bits = (image & 0xFC | image >> 6).astype(np.uint8)
        coarse = av.VideoFrame.from_ndarray(bits, "bgr24")
        self._colours.push(coarse.reformat(format="bgra"))
        encoded = cv2.imencode(".png", image, _PNG)[1].tobytes()
        self._spool.write(encoded)
        self._waiting.append((time_s, len(encoded)))

    def finish(self) -> bytes:
        self._colours.push(None)
        palette = _bgra(cast(av.VideoFrame, self._palette.pull()))
        nearest, argb = _nearest(palette), np.ascontiguousarray(palette[:, ::-1])
        file = BytesIO()
        with av.open(file, "w", format="gif", options={"loop": "0"}) as container:
            stream = cast(VideoStream, container.add_stream("gif"))
            _opened(stream, self._size, "pal8", 100)
            self._spool.seek(0)
            for time_s, length in self._waiting:
                picture = np.frombuffer(self._spool.read(length), np.uint8)
                image = np.asarray(cv2.imdecode(picture, cv2.IMREAD_COLOR), np.uint8)
                pixels: Any = nearest[_dithered(image)], argb
                frame = av.VideoFrame.from_ndarray(pixels, "pal8")
                frame.pts, frame.time_base = round(100 * time_s), Fraction(1, 100)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return file.getvalue()

    def close(self) -> None:
        self._spool.close()


def _bgra(palette: av.VideoFrame) -> Colours:
    """Return the 16x16 pixels of a palette as [256, 4] BGRA."""
    return np.asarray(palette.to_ndarray(format="bgra"), np.uint8).reshape(256, 4)


def _nearest(palette: Colours) -> npt.NDArray[np.uint8]:
    """Return the index of the nearest colour of a palette for every colour of 6 bits a channel.

    Args:
        palette: [256, 4] BGRA; what is not opaque is for pixels that do not change.

    Returns:
        [64, 64, 64] by blue, green, red.
    """
    opaque = np.flatnonzero(palette[:, 3] == 255)
    colours = palette[opaque, :3].astype(np.float32)
    steps = np.linspace(0, 255, 64, dtype=np.float32)
    table = np.empty((64, 64, 64), np.uint8)
    others = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    # |a - b|^2 = |a|^2 - 2ab + |b|^2, of which the first is the same for all of the palette.
    own = (colours**2).sum(axis=1)
    for blue, level in enumerate(steps):
        wanted = np.column_stack([np.full(len(others), level, np.float32), others])
        nearest = (own - 2 * wanted @ colours.T).argmin(axis=1)
        table[blue] = opaque[nearest].reshape(64, 64)
    return table


def _dithered(image: Frame) -> tuple[npt.NDArray[np.uint8], ...]:
    """Return blue, green and red of 6 bits, a fixed pattern standing for what lies between.

    The pattern stands still; error diffusion would crawl, at three times the size of file.
    """
    rows, columns = (-(-side // len(_BAYER)) for side in image.shape[:2])
    pattern = np.tile(_BAYER, (rows, columns))[: image.shape[0], : image.shape[1]]
    spread = cv2.add(image, cv2.merge([pattern] * 3))
    return tuple((np.asarray(plane, np.uint8) // 4).astype(np.uint8) for plane in cv2.split(spread))


_ENCODERS: dict[str, type[_Encoder]] = {".gif": _Gif, ".webp": _Webp}
ANIMATION_SUFFIXES = tuple(_ENCODERS)


def _shrunk(size: Size) -> Size:
    """Return a size of the same shape and no side above `LONGEST_SIDE`."""
    share = min(1.0, LONGEST_SIDE / max(size))
    return max(1, round(size[0] * share)), max(1, round(size[1] * share))


def _opened(stream: VideoStream, size: Size, pixels: str, ticks_per_s: int) -> VideoStream:
    encoder = stream.codec_context
    encoder.width, encoder.height = size
    encoder.pix_fmt = pixels
    encoder.time_base = Fraction(1, ticks_per_s)
    return stream


def _buffer(graph: Graph, size: Size) -> FilterContext:
    bgra = av.VideoFormat("bgra")
    return graph.add_buffer(None, size[0], size[1], bgra, time_base=Fraction(1, 100))
