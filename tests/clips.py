"""Clips made for tests: small, with known frames at known times."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from realtime.arrays import Frame, Size

_TICKS = 1000
_AVI_TICKS = 25
"""An .avi has as many frames as ticks."""
_UPRIGHT = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)


def corner_picture(size: Size = (64, 48)) -> Frame:
    """Return a black picture whose top left quarter is white."""
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    picture[: size[1] // 2, : size[0] // 2] = 255
    return picture


def grey(value: int, size: Size = (64, 48)) -> Frame:
    """Return a picture of one grey."""
    return np.full((size[1], size[0], 3), value, np.uint8)


def write_clip(
    path: Path,
    pictures: Sequence[Frame],
    times_s: Sequence[float] | None = None,
    aspect: Fraction | None = None,
) -> Path:
    """Write a clip.

    Args:
        path: where; its ending chooses the container.
        pictures: [H, W, 3] uint8 BGR each, all of one size.
        times_s: presentation times, to a millisecond; None: 25 a second.
        aspect: width of a pixel over its height; None: square.
    """
    ticks = _AVI_TICKS if path.suffix == ".avi" else _TICKS
    times_s = times_s or [number / 25 for number in range(len(pictures))]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 4_000_000
        stream.codec_context.time_base = Fraction(1, ticks)
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        for picture, time_s in zip(pictures, times_s, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = round(time_s * ticks), Fraction(1, ticks)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turn_clockwise(path: Path, degrees: int) -> None:
    """Have an .mp4 shown turned, the way telephones do: by the matrix in its track header."""
    one = 1 << 16
    cosine, sine = {90: (0, one), 180: (-one, 0), 270: (0, -one)}[degrees]
    turned = struct.pack(">9i", cosine, sine, 0, -sine, cosine, 0, 0, 0, 1 << 30)
    content = path.read_bytes()
    header = content.index(b"tkhd")
    place = content.index(_UPRIGHT, header)
    path.write_bytes(content[:place] + turned + content[place + len(turned) :])


FLASH_EVERY_S = 0.7
_BEEP_S = 0.03
_BEEP_HZ = 1000.0
_BLOCK = 1024


@dataclass(frozen=True)
class Sound:
    """What `write_film` puts beside its picture.

    Attributes:
        codec: libavcodec's name of the encoder.
        rate: samples a second.
        layout: of the channels.
        start_s: when it begins; the picture begins at 0.
        end_s: when it ends; None: with the picture.
        hz: of its beeps.
        default: whether the file says that this is the track to play.
    """

    codec: str = "aac"
    rate: int = 48_000
    layout: str = "stereo"
    start_s: float = 0.0
    end_s: float | None = None
    hz: float = _BEEP_HZ
    default: bool = True


def write_film(
    path: Path,
    times_s: Sequence[float],
    *sounds: Sound,
    size: Size = (64, 48),
    codec: str = "mpeg4",
) -> Path:
    """Write a black clip that flashes and beeps every `FLASH_EVERY_S`, from there on.

    Args:
        path: where; its ending chooses the container.
        times_s: presentation times of the frames. A flash is the first frame from its moment on.
        sounds: one for every track.
        size: (width, height); most codecs want even numbers.
        codec: of the picture.
    """
    end_s = 2 * times_s[-1] - times_s[-2]
    delay_s = -min(0.0, *(sound.start_s for sound in sounds)) if sounds else 0.0
    with av.open(str(path), "w", options={"max_interleave_delta": "100000"}) as container:
        stream = container.add_stream(codec, rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, _TICKS)
        tracks = [_Track(container, sound, sound.end_s or end_s) for sound in sounds]
        for track in tracks:
            track.write_until(0.0, delay_s)
        for time_s, value in zip(times_s, _flashes(times_s), strict=True):
            for track in tracks:
                track.write_until(time_s, delay_s)
            frame = av.VideoFrame.from_ndarray(grey(value, size), format="bgr24")
            frame.pts = round((time_s + delay_s) * _TICKS)
            frame.time_base = Fraction(1, _TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        for track in tracks:
            track.write_until(math.inf, delay_s)
    return path


def _flashes(times_s: Sequence[float]) -> Iterator[int]:
    due_s = FLASH_EVERY_S
    for time_s in times_s:
        flash = time_s >= due_s - 1e-6
        due_s += FLASH_EVERY_S if flash else 0
        yield 255 if flash else 0


class _Track:
    """A sound on its way into a container."""

    def __init__(self, container: OutputContainer, sound: Sound, end_s: float) -> None:
        self._container, self._sound = container, sound
        stream = container.add_stream(sound.codec, rate=sound.rate)
        assert isinstance(stream, AudioStream)
        stream.codec_context.layout = sound.layout
        stream.disposition = av.stream.Disposition(int(sound.default))
        self._stream = stream
        self._channels = av.AudioLayout(sound.layout).nb_channels
        self._at, self._end = round(sound.start_s * sound.rate), round(end_s * sound.rate)

    def write_until(self, time_s: float, delay_s: float) -> None:
        rate = self._sound.rate
        while self._at < min(self._end, time_s * rate):
            moments = np.arange(self._at, min(self._at + _BLOCK, self._end)) / rate
            samples = np.repeat(beeps(moments, self._sound.hz)[None], self._channels, axis=0)
            frame = AudioFrame.from_ndarray(samples, "fltp", self._sound.layout)
            frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
            frame.pts = self._at + round(delay_s * rate)
            self._container.mux(self._stream.encode(frame))
            self._at += len(moments)
        if math.isinf(time_s):
            self._container.mux(self._stream.encode(None))


def beeps(moments_s: npt.NDArray[np.float64], hz: float) -> npt.NDArray[np.float32]:
    """Return the sound at these moments: a short beep every `FLASH_EVERY_S` from there on."""
    since = moments_s % FLASH_EVERY_S
    loud = (since < _BEEP_S) & (moments_s >= FLASH_EVERY_S)
    return (0.7 * loud * np.sin(2 * np.pi * hz * since)).astype(np.float32)


@dataclass(frozen=True)
class Heard:
    """What is in a film, all in seconds from its first frame.

    Attributes:
        flashes_s: when the picture turns white.
        beeps_s: when the sound becomes loud.
        picture_end_s: when the last frame ends, as its packet says.
        sound_s: when the sound begins and ends, as its packets say.
        codec: of the sound.
        channels: of the sound.
        hz: of the beeps, roughly.
    """

    flashes_s: list[float]
    beeps_s: list[float]
    picture_end_s: float
    sound_s: tuple[float, float]
    codec: str
    channels: int
    hz: float


def hear(path: Path) -> Heard:
    """See and hear a film made from one of `write_film`."""
    with av.open(str(path)) as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        assert sound.time_base is not None and picture.time_base is not None
        flashes, times, end = [], [], 0.0
        spans: list[tuple[float, float]] = []
        chunks: list[tuple[float, npt.NDArray[np.float64]]] = []
        for packet in container.demux(picture, sound):
            if packet.pts is not None and packet.duration is not None:
                span = packet.pts * packet.time_base, (packet.pts + packet.duration)
                until = float(span[1] * packet.time_base)
                if packet.stream == picture:
                    end = max(end, until)
                else:
                    spans.append((float(span[0]), until))
            for frame in packet.decode():
                assert frame.time is not None
                if isinstance(frame, AudioFrame):
                    chunks.append((frame.time, _mono(frame)))
                    continue
                times.append(frame.time)
                if frame.to_ndarray(format="gray").mean() > 127:
                    flashes.append(frame.time)
        start, rate = times[0], sound.codec_context.sample_rate
        loud = np.concatenate([t + np.flatnonzero(np.abs(a) > 0.2) / rate for t, a in chunks])
        onsets = loud[np.diff(loud, prepend=-1.0) > FLASH_EVERY_S / 3]
        spectrum = np.abs(np.fft.rfft(np.concatenate([a for _, a in chunks])))
        return Heard(
            [time - start for time in flashes],
            [float(time) - start for time in onsets],
            end - start,
            (min(spans)[0] - start, max(spans)[1] - start),
            sound.codec.canonical_name,
            sound.codec_context.channels,
            float(spectrum.argmax()) * rate / 2 / len(spectrum),
        )


def _mono(frame: AudioFrame) -> npt.NDArray[np.float64]:
    """Return the first channel of a frame, -1..1."""
    samples = frame.to_ndarray()
    channels = 1 if frame.format.is_planar else frame.layout.nb_channels
    scale = 1 if samples.dtype.kind == "f" else 1 << 8 * samples.itemsize - 1
    return np.asarray(samples[0, ::channels] / scale, np.float64)
