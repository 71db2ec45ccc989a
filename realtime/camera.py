"""Cameras through OpenCV, read by a thread that keeps the newest frame only."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from realtime.arrays import Frame, Size
from realtime.devices import CameraDevice
from realtime.errors import DeviceError, UnwantedError
from realtime.sources import Source, SourceInfo, TimedFrame

SIZE = (1280, 720)
FPS = 30.0
FIRST_FRAME_S = 5.0
"""A webcam may need a second or two to wake up and to find its exposure."""
READ_TIMEOUT_S = 2.0
"""For a picture; a camera that sends none for so long counts as gone."""
GRACE_S = 1.0
"""One frame that arrives damaged is no failure; a second without a good one is."""
_HELD_S = 1
"""How long OpenCV holds the grabber while nothing comes, in whole seconds, and so how long a
blocked camera is still in use after `Camera.close`. OpenCV's own 10 s are too long for both."""
_RETRY_S = 0.01
_ASK_EVERY_S = 0.1
"""How often a reader that waits asks whether its frame is still wanted."""
_JOIN_S = 0.5
_BUFFERS = 2
"""The driver fills one while the other is read. A single buffer halves the rate of cameras that
send a frame over the whole interval; more than two only let frames grow old."""
_PLAUSIBLE_FPS = (1.0, 240.0)


class Capture(Protocol):
    """The part of `cv2.VideoCapture` that a camera needs."""

    def grab(self) -> bool:
        """Wait for the next frame; False if none came."""
        ...

    def retrieve(self) -> tuple[bool, Any]:
        """Decode the frame grabbed last."""
        ...

    def release(self) -> None:
        """Let go of the device."""
        ...


class Camera(Source):
    """A camera whose newest frame is always at hand.

    A thread of its own takes the frames as they come into a queue of one; a frame that nobody
    read in time gives way to the next and is counted in `dropped`. That thread alone touches the
    capture, to its release, since a driver may block in it.

    Args:
        capture: an open capture, which the camera takes over.
        name: for people.
        fps: as declared; 0 where unknown.
        present: whether the device is still there, asked when a frame fails.
        unwanted: whether to wait for no frame any more; see `Source`.

    Raises:
        DeviceError: no frame came within `FIRST_FRAME_S`, or before it was unwanted.
    """

    def __init__(
        self,
        capture: Capture,
        name: str,
        fps: float = 0.0,
        present: Callable[[], bool] = lambda: True,
        unwanted: Callable[[], bool] = lambda: False,
    ) -> None:
        self.dropped = 0
        self.unwanted = unwanted
        self._capture = capture
        self._name = name
        self._present = present
        self._changed = threading.Condition()
        self._newest: TimedFrame | None = None
        self._failure: str | None = None
        self._closed = False
        self._grabber = threading.Thread(target=self._grab, name=f"camera {name}", daemon=True)
        self._grabber.start()
        try:
            self.info = SourceInfo(name, self._first_size(), fps, live=True, frames=None)
        except BaseException:
            self.close()
            raise

    def read(self) -> TimedFrame | None:
        """Wait for the newest frame that has not been read yet; None once it is unwanted.

        Raises:
            DeviceError: the camera failed, or sent nothing for `READ_TIMEOUT_S`.
        """
        self._wait(READ_TIMEOUT_S)
        with self._changed:
            frame, self._newest = self._newest, None
        return frame

    def close(self) -> None:
        """Stop the grabber, which releases the camera; a frame nobody read counts as dropped."""
        with self._changed:
            if self._closed:
                # Whoever closes twice does not wait twice for a driver.
                return
            self._closed = True
            self.dropped += self._newest is not None
            self._newest = None
            self._changed.notify_all()
        # A driver may hold the thread for seconds after an unplug. It is a daemon: leave it there.
        self._grabber.join(_JOIN_S)

    def _first_size(self) -> Size:
        first = self._wait(FIRST_FRAME_S)
        if first is None:
            raise UnwantedError(f"{self._name} had sent no picture when it was asked to end")
        height, width = first.image.shape[:2]
        return width, height

    def _wait(self, seconds: float) -> TimedFrame | None:
        """Wait for a frame or the end, and leave the frame in its place.

        Raises:
            DeviceError: neither came.
        """
        end_s = time.perf_counter() + seconds
        while (left_s := end_s - time.perf_counter()) > 0:
            with self._changed:
                if self._changed.wait_for(self._settled, min(left_s, _ASK_EVERY_S)):
                    break
            if self.unwanted():
                return None
        if self._newest is None and not self._closed:
            reason = self._failure or f"sent no picture for {seconds:g} s"
            raise DeviceError(
                f"{self._name} {reason}: plug it in again, and close other programs that use it"
            )
        return self._newest

    def _settled(self) -> bool:
        return self._closed or self._newest is not None or self._failure is not None

    def _grab(self) -> None:
        """Keep the newest frame until closed or failed (the body of the grabber's thread).

        Frames that fail are a failure after `GRACE_S`. How long none may come at all is for the
        reader to say: a camera that wakes up takes longer than one that runs.
        """
        good_s = time.perf_counter()
        try:
            while not self._closed:
                asked_s = time.perf_counter()
                frame = self._next()
                if frame is not None:
                    good_s = frame.time_s
                    self._keep(frame)
                elif not self._present():
                    return self._fail("was unplugged")
                elif time.perf_counter() - asked_s > _HELD_S / 2:
                    good_s = time.perf_counter()
                elif time.perf_counter() - good_s > GRACE_S:
                    return self._fail("stopped sending pictures")
                else:
                    time.sleep(_RETRY_S)
        except cv2.error as error:
            self._fail(f"failed ({error.err})")
        finally:
            self._capture.release()

    def _next(self) -> TimedFrame | None:
        """Take one frame from the device; None if it came damaged or not at all."""
        if not self._capture.grab():
            return None
        # The moment is taken before decoding, which is part of what a viewer waits for. Drivers'
        # own time stamps are not used: their clocks differ and some lie in the future.
        moment = time.perf_counter()
        decoded, image = self._capture.retrieve()
        return TimedFrame(_as_frame(image), moment) if decoded and image is not None else None

    def _keep(self, frame: TimedFrame) -> None:
        with self._changed:
            if not self._closed:
                self.dropped += self._newest is not None
                self._newest = frame
                self._changed.notify_all()

    def _fail(self, reason: str) -> None:
        with self._changed:
            self._failure = reason
            self._changed.notify_all()


def open_camera(
    device: CameraDevice,
    unwanted: Callable[[], bool] = lambda: False,
    *,
    size: Size | None = None,
    fps: float | None = None,
) -> Camera:
    """Open a camera and wait for its first frame.

    Args:
        device: as found by `realtime.devices.find_camera`.
        unwanted: whether to wait for no frame any more; see `Source`.
        size: (width, height) asked for, 1280x720 unless given; the camera may give another.
        fps: frames a second asked for, 30 unless given.

    Raises:
        DeviceError: the camera does not open or does not deliver.
    """
    address = device.address
    if isinstance(address, str) and not os.access(address, os.R_OK | os.W_OK):
        why = (
            "permission denied: add yourself to the group video"
            if Path(address).exists()
            else "gone"
        )
        raise DeviceError(f"cannot open {device}: {why}")
    capture = _open_capture(address, size or SIZE, fps or FPS)
    if not capture.isOpened():
        capture.release()
        raise DeviceError(f"cannot open {device}: {_advice()}")
    declared = capture.get(cv2.CAP_PROP_FPS)
    slowest, fastest = _PLAUSIBLE_FPS
    camera = Camera(
        capture,
        device.name,
        fps=declared if slowest <= declared <= fastest else 0.0,
        present=Path(address).exists if isinstance(address, str) else lambda: True,
        unwanted=unwanted,
    )
    camera.info = replace(camera.info, note=_granted(device, camera.info, size, fps))
    return camera


def backend() -> int:
    """Return OpenCV's number for this system's way to cameras."""
    backends = {"linux": cv2.CAP_V4L2, "win32": cv2.CAP_DSHOW, "darwin": cv2.CAP_AVFOUNDATION}
    return backends.get(sys.platform, cv2.CAP_ANY)


def _open_capture(address: str | int, size: Size, fps: float) -> cv2.VideoCapture:
    # MJPG first: uncompressed, many cameras reach 10 fps at 1280x720. A camera without it keeps
    # the format it has.
    settings = [
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),
        (cv2.CAP_PROP_FRAME_WIDTH, size[0]),
        (cv2.CAP_PROP_FRAME_HEIGHT, size[1]),
        (cv2.CAP_PROP_FPS, fps),
    ]
    if sys.platform == "win32":
        # DirectShow builds its graph once: settings made later would build it again, slowly.
        wishes = [int(number) for pair in settings for number in pair]
        capture = cv2.VideoCapture(address, backend(), wishes)
        return capture if capture.isOpened() else cv2.VideoCapture(address, backend())
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(_HELD_S))
    capture = cv2.VideoCapture(address, backend())
    for key, value in [*settings, (cv2.CAP_PROP_BUFFERSIZE, _BUFFERS)]:
        capture.set(key, value)
    return capture


def _granted(device: CameraDevice, info: SourceInfo, size: Size | None, fps: float | None) -> str:
    """Say what a camera gives, and what it was asked for where that is something else."""
    rate = f" at {info.fps:g} fps" if info.fps else ""
    asked = []
    if size and size != info.size:
        asked.append(f"{size[0]}x{size[1]}")
    if fps and info.fps and abs(fps - info.fps) > 0.5:
        asked.append(f"{fps:g} fps")
    besides = f" (asked for {' at '.join(asked)})" if asked else ""
    return f"{device}: {info.size[0]}x{info.size[1]}{rate}{besides}"


def _advice() -> str:
    if sys.platform == "darwin":
        return "allow it in System Settings > Privacy & Security > Camera"
    return "close other programs that use it, or choose another (see --list)"


def _as_frame(image: npt.NDArray[Any]) -> Frame:
    """Return what a driver gave, which may be grey or deep, as [H, W, 3] uint8 BGR."""
    if image.dtype != np.uint8:
        image = cv2.convertScaleAbs(image, alpha=1 / 256)
    if image.ndim == 2 or image.shape[2] == 1:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    return image[..., :3]
