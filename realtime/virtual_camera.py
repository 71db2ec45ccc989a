"""The virtual camera, which other programs choose like any webcam."""

from __future__ import annotations

import re
import struct
import sys
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from realtime import planes
from realtime.arrays import Picture, Size
from realtime.devices import list_virtual_cameras
from realtime.errors import DeviceError, UserError
from realtime.sinks import CheckedSink, frame_rate

if TYPE_CHECKING:
    import pyvirtualcam

    from realtime.readers import Readers

_INSTALL = {
    "linux": "sudo modprobe v4l2loopback exclusive_caps=1 card_label=Automosaics",
    "win32": "install OBS Studio 26 or later (obsproject.com), which brings its virtual camera",
    "darwin": "install OBS Studio 30 or later (obsproject.com), then start and stop its virtual "
    "camera once",
}
_S_PARM = 0xC0CC5616
"""VIDIOC_S_PARM of linux/videodev2.h, the same number on every architecture but Alpha's kin."""
_STREAM_PARAMETERS = struct.Struct("5I184x")
"""struct v4l2_streamparm: type, capability, mode, seconds a frame as a fraction, the rest."""
_VIDEO_OUTPUT = 2


class VirtualCamera(CheckedSink):
    """A virtual camera: v4l2loopback on Linux, OBS's on Windows and macOS.

    The source sets the pace: `send` passes a mosaic on at once. It gives planes, which the driver
    takes as they are.

    Attributes:
        device: its name, such as "/dev/video10" or "OBS Virtual Camera".
    """

    takes_planes = True

    def __init__(self, size: Size, fps: float, device: str | None = None) -> None:
        """Open the virtual camera.

        Args:
            size: (width, height) of the mosaics, even numbers.
            fps: the expected mosaics a second; 0 where unknown.
            device: which one; None is the first that is free.

        Raises:
            UserError: an odd size.
            DeviceError: there is none, or it is busy.
        """
        if size[0] % 2 or size[1] % 2:
            even = f"{max(2, size[0] & ~1)}x{max(2, size[1] & ~1)}"
            raise UserError(
                f"virtual cameras have even sizes, found {size[0]}x{size[1]}: pass --size {even}"
            )
        rate = frame_rate(fps)
        self._camera = _open(size, rate, device)
        self.device: str = self._camera.device
        super().__init__(f"virtual camera {self.device}", size)
        self._readers: Readers | None = None
        if sys.platform == "linux":
            try:
                _check_size(self.device, size)
            except DeviceError:
                self._camera.close()
                raise
            _announce_rate(self.device, rate)
            self._readers = _watch(self.device)

    @property
    def watched(self) -> bool:
        """Whether a program takes its pictures, as far as the platform tells."""
        return self._readers is None or self._readers.any

    def _send(self, mosaic: Picture, time_s: float) -> None:
        try:
            made = planes.from_bgr(mosaic) if mosaic.ndim == 3 else np.ascontiguousarray(mosaic)
            self._camera.send(made)
        except RuntimeError as error:
            raise DeviceError(f"{self.name}: {error}") from error

    def _close(self) -> None:
        if self._readers is not None:
            self._readers.close()
        self._camera.close()


def _watch(device: str) -> Readers | None:
    """Return what tells whether somebody reads `device`; None where its driver is too old."""
    from realtime.readers import Readers

    try:
        return Readers(device)
    except OSError:
        return None


def _open(size: Size, rate: Fraction, device: str | None) -> pyvirtualcam.Camera:
    try:
        import pyvirtualcam
    except ImportError as error:
        raise DeviceError(f"no virtual camera: pip install pyvirtualcam ({error})") from error
    try:
        return pyvirtualcam.Camera(
            *size, float(rate), fmt=pyvirtualcam.PixelFormat.I420, device=device
        )
    except RuntimeError as error:
        raise DeviceError(_explain(str(error), device)) from error


def _explain(error: str, device: str | None) -> str:
    """Return in one line what pyvirtualcam's `error` means and what to do about it."""
    known = [str(camera.address) for camera in list_virtual_cameras()]
    wanted = device or (known[0] if known else "the virtual camera")
    if "permission" in error:
        return f"{wanted} may not be opened: sudo usermod -aG video $USER, then log in again"
    if "busy" in error or "in use" in error or wanted in known:
        return f"{wanted} is being written by another program: close that one"
    if known:
        return f"{wanted} is no virtual camera: choose {' or '.join(known)}"
    if sys.platform == "linux":
        which = f"{device} is no virtual camera" if device else "there is no virtual camera"
        return f"{which}: {_INSTALL['linux']}"
    detail = " ".join(error.split())
    return f"no virtual camera: {_INSTALL.get(sys.platform, 'see pyvirtualcam')} ({detail})"


def _check_size(device: str, size: Size) -> None:
    """Raise DeviceError where the driver has kept another size than asked for.

    v4l2loopback does that without an error while a program still reads an earlier picture;
    every later frame would be garbled, and pyvirtualcam only prints to stderr.
    """
    state = Path("/sys/class/video4linux", Path(device).name, "format")
    kept = re.search(r":(\d+)x(\d+)", state.read_text()) if state.exists() else None
    if kept and (int(kept[1]), int(kept[2])) != size:
        found = f"{kept[1]}x{kept[2]}"
        raise DeviceError(
            f"{device} is held at {found} by a program that reads it: close that one, "
            f"or pass --size {found}"
        )


def _announce_rate(device: str, rate: Fraction) -> None:
    """Tell readers the frame rate, which pyvirtualcam leaves at 30. A courtesy: it may fail."""
    import fcntl

    # As the time of a frame: the fraction upside down.
    wish = _STREAM_PARAMETERS.pack(_VIDEO_OUTPUT, 0, 0, rate.denominator, rate.numerator)
    try:
        with Path(device).open("r+b", buffering=0) as node:
            fcntl.ioctl(node, _S_PARM, wish)
    except OSError:
        return
