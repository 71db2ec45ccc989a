"""Frames to measure with, kept as JPEG, as many cameras send them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from realtime.arrays import Frame, Size
from realtime.demo import Demo
from realtime.sources import open_source

QUALITY = 90
NOISE = 4.0  # standard deviation of the sensor's noise, in levels
LENGTH = 60


class Film:
    """A few seconds that play forwards, then backwards, and so on.

    Attributes:
        jpegs: the frames as JPEG files.
        decoded: the frame that `decode` gave last, [H, W, 3] uint8 BGR.
    """

    def __init__(self, frames: Iterator[Frame]) -> None:
        """Compress frames; at least one."""
        self.jpegs = [_compress(frame) for frame in frames]
        self.decoded = self.decode(0)

    @property
    def period(self) -> int:
        """Rounds after which the film is where it was."""
        return max(1, 2 * len(self.jpegs) - 2)

    def decode(self, number: int) -> Frame:
        """Decode the frame of a round, [H, W, 3] uint8 BGR, and keep it in `decoded`."""
        turn = number % self.period
        jpeg = self.jpegs[min(turn, self.period - turn)]
        frame = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
        if frame is None:
            raise ValueError("OpenCV cannot read its own JPEG")
        self.decoded = np.asarray(frame, np.uint8)
        return self.decoded


def moving(size: Size, clip: Path | None = None) -> Film:
    """Frames of a clip, or of the shipped picture as a noisy hand-held camera would see it."""
    if clip is not None:
        return Film(islice(_clip_frames(clip, size), LENGTH))
    demo = Demo(size=size)
    return Film(add_noise(demo.frame(number) for number in range(LENGTH)))


def still(size: Size) -> Film:
    """A scene without motion, seen by a noisy camera."""
    frame = Demo(size=size).frame(0)
    return Film(add_noise(frame for _ in range(8)))


def webcam(size: Size) -> Film:
    """What a webcam on a desk sees: somebody who sways before a still room, and noise.

    The somebody is an oval cut from the shipped picture, an eighth of the frame's area.
    """
    demo, (width, height) = Demo(size=size), size
    room, person = demo.frame(0), demo.frame(LENGTH)

    def sway() -> Iterator[Frame]:
        for number in range(LENGTH):
            way = round(0.04 * width * np.sin(2 * np.pi * number / LENGTH))
            mask = np.zeros((height, width), np.uint8)
            centre = (width // 2 + way, height // 2)
            axes = (round(0.2 * height), round(0.36 * height))
            cv2.ellipse(mask, centre, axes, 0, 0, 360, 255, cv2.FILLED)
            frame = room.copy()
            cv2.copyTo(np.roll(person, way, axis=1), mask, frame)
            yield frame

    return Film(add_noise(sway()))


def add_noise(frames: Iterator[Frame], level: float = NOISE) -> Iterator[Frame]:
    """Add the noise of a sensor, of this standard deviation in levels, the same in every run."""
    random = np.random.default_rng(0)
    noise: npt.NDArray[np.int16] | None = None
    for frame in frames:
        height, width = frame.shape[:2]
        if noise is None:
            noise = random.normal(0, level, (height + 64, width + 64, 3)).astype(np.int16)
        top, left = random.integers(0, 64, 2)
        part = noise[top : top + height, left : left + width]
        yield np.asarray(cv2.add(frame, part, dtype=cv2.CV_8U), np.uint8)


def _clip_frames(clip: Path, size: Size) -> Iterator[Frame]:
    with open_source(str(clip)) as source:
        while (timed := source.read()) is not None:
            frame = timed.image
            scale = min(frame.shape[1] / size[0], frame.shape[0] / size[1])
            width, height = round(size[0] * scale), round(size[1] * scale)
            left, top = (frame.shape[1] - width) // 2, (frame.shape[0] - height) // 2
            part = frame[top : top + height, left : left + width]
            yield np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _compress(frame: Frame) -> npt.NDArray[np.uint8]:
    done, jpeg = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise ValueError("OpenCV cannot write JPEG")
    return np.asarray(jpeg, np.uint8)
