"""The virtual camera as programs see it that people call with: content, size, rate and delay.

Needs v4l2loopback at /dev/video10, CAMERAS=1, and for one of the readers Chromium.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from realtime.arrays import Frame, Size
from realtime.virtual_camera import VirtualCamera
from tests import chromium
from tests.stamps import BITS, CELL, SIZE, describe, middles, picture, read_stamp, stamp

if os.environ.get("CAMERAS") != "1":
    pytest.skip("needs v4l2loopback: set CAMERAS=1 where it is", allow_module_level=True)

DEVICE = "/dev/video10"
NAME = "Automosaics"
FPS = 25.0
FRAMES = 60


@dataclass(frozen=True)
class Seen:
    """What a program saw of the virtual camera.

    Attributes:
        size: (width, height) that it was told.
        fps: that it was told; None where it asked for a rate of its own.
        frames: the stamp of every frame, and when it was seen, of `time.time()`.
        last: the last frame, [H, W, 3] uint8 BGR.
    """

    size: Size
    fps: float | None
    frames: list[tuple[int, float]]
    last: Frame


def by_opencv(_folder: Path) -> Seen:
    """See it as programs with OpenCV do."""
    capture = cv2.VideoCapture(DEVICE, cv2.CAP_V4L2)
    size = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    frames = []
    for _ in range(FRAMES):
        read, image = capture.read()
        assert read
        last = np.asarray(image, np.uint8)
        frames.append((read_stamp(last), time.time()))
    capture.release()
    return Seen(size, None, frames, last)


def by_ffmpeg(_folder: Path) -> Seen:
    """See it as programs with FFmpeg do, such as OBS and VLC."""
    frames = []
    with av.open(DEVICE, format="video4linux2,v4l2") as container:
        stream = container.streams.video[0]
        for _, frame in zip(range(FRAMES), container.decode(stream), strict=False):
            planes = np.asarray(frame.to_ndarray(), np.uint8)
            frames.append((read_stamp(planes), time.time()))
        last = np.asarray(cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420), np.uint8)
        assert stream.average_rate is not None
        return Seen((stream.width, stream.height), float(stream.average_rate), frames, last)


def by_chromium(folder: Path) -> Seen:
    """See it as a page does that people call with."""
    call = chromium.call(NAME, FRAMES, SIZE, BITS, CELL, folder)
    assert call.label == NAME
    size = call.settings["width"], call.settings["height"]
    return Seen(size, call.settings["frameRate"], call.seen, call.last)


@contextmanager
def sending() -> Iterator[dict[int, float]]:
    """Send stamped pictures to the virtual camera all the while; yield when each was sent."""
    sent_s: dict[int, float] = {}
    ended = threading.Event()

    def send(camera: VirtualCamera) -> None:
        frame = picture()
        while not ended.wait(1 / FPS):
            number = len(sent_s)
            sent_s[number] = time.time()
            camera.send(stamp(frame, number), number / FPS)

    with VirtualCamera(SIZE, FPS, DEVICE) as camera:
        # Only a camera that somebody writes to is to be found.
        camera.send(stamp(picture(), 0), 0)
        thread = threading.Thread(target=send, args=(camera,))
        thread.start()
        try:
            yield sent_s
        finally:
            ended.set()
            thread.join()


@pytest.mark.parametrize(
    "see",
    [
        by_opencv,
        by_ffmpeg,
        pytest.param(
            by_chromium,
            marks=pytest.mark.skipif(
                chromium.find_browser() is None, reason="needs Chromium: apt-get install chromium"
            ),
        ),
    ],
)
def test_whoever_reads_it_sees_our_pictures(see: Callable[[Path], Seen], tmp_path: Path) -> None:
    with sending() as sent_s:
        seen = see(tmp_path)
    # The first ones waited in the driver while the reader was opening.
    frames = seen.frames[5:]
    print(f"{see.__name__}: {describe(sent_s, frames)}")
    assert seen.size == SIZE
    assert seen.fps in (FPS, None)
    numbers = [number for number, _ in frames]
    assert numbers == sorted(set(numbers))
    found, expected = middles(seen.last), middles(picture())
    brightness = (found - expected) @ [0.114, 0.587, 0.299]
    print(f"off by {np.abs(brightness).max():.1f}, a colour by {np.abs(found - expected).max()}")
    assert np.abs(brightness).max() <= 2
    # Colour goes through the camera in 8 bits of luminance and chroma, which hold no exact colours.
    assert np.abs(found - expected).max() <= 6
