"""Which cameras and virtual cameras this machine has, by name."""

from __future__ import annotations

import re
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

from realtime.errors import DeviceError, UserError

_QUERYCAP = 0x80685600
"""VIDIOC_QUERYCAP of linux/videodev2.h, the same number on every architecture but Alpha's kin."""
_CAPABILITY = struct.Struct("16s32s32sIII12x")
"""struct v4l2_capability: driver, card, bus, version, capabilities, device_caps."""
_VIDEO_CAPTURE = 0x1
_LOOPBACK_DRIVER = b"v4l2 loopback"


@dataclass(frozen=True)
class CameraDevice:
    """A camera as people and OpenCV call it.

    Attributes:
        name: "Integrated Webcam".
        address: what OpenCV opens: "/dev/video0" on Linux, an index elsewhere.
        virtual: other programs feed it.
    """

    name: str
    address: str | int
    virtual: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({self.address})"


@dataclass(frozen=True)
class _Node:
    """A /dev/video* node."""

    device: CameraDevice
    captures: bool


def list_cameras() -> list[CameraDevice]:
    """Return the cameras that can be read from now, real ones first.

    On Linux the kernel names them. Elsewhere `cv2-enumerate-cameras` does; without it the list is
    empty, though cameras open by index all the same.
    """
    if sys.platform == "linux":
        found = [node.device for node in _linux_nodes() if node.captures]
        return sorted(found, key=lambda device: device.virtual)
    return _enumerated_cameras()


def list_virtual_cameras() -> list[CameraDevice]:
    """Return the v4l2loopback devices; empty on Windows and macOS, where OBS has just one."""
    if sys.platform != "linux":
        return []
    return [node.device for node in _linux_nodes() if node.device.virtual]


def find_camera(spec: str | None) -> CameraDevice:
    """Return the camera that is meant by `spec`.

    Args:
        spec: an index, a device path, or a part of the name in any case; None: the first one.

    Raises:
        UserError: no camera, or more than one, goes by that name.
        DeviceError: there is no camera at that index or path, or none at all.
    """
    cameras = list_cameras()
    if spec is None:
        return _first(cameras)
    if spec.isdecimal() or spec.startswith("/dev/"):
        return _at_address(spec, cameras)
    return _by_name(spec, cameras)


def _first(cameras: list[CameraDevice]) -> CameraDevice:
    if cameras:
        return cameras[0]
    if sys.platform == "linux":
        raise DeviceError("no camera found: plug one in, or try --source demo")
    return CameraDevice("camera 0", 0)


def _at_address(spec: str, cameras: list[CameraDevice]) -> CameraDevice:
    address: str | int = spec
    if spec.isdecimal():
        address = f"/dev/video{int(spec)}" if sys.platform == "linux" else int(spec)
    for camera in cameras:
        if camera.address == address:
            return camera
    if isinstance(address, str) and not Path(address).exists():
        raise DeviceError(f"no camera at {address}: found {_names(cameras)} (see --list)")
    return CameraDevice(f"camera {spec}" if spec.isdecimal() else spec, address)


def _by_name(spec: str, cameras: list[CameraDevice]) -> CameraDevice:
    matches = [camera for camera in cameras if spec.casefold() in camera.name.casefold()]
    exact = [camera for camera in matches if spec.casefold() == camera.name.casefold()]
    matches = exact or matches
    if not matches:
        raise UserError(f"no file and no camera is called {spec!r} (see --list for cameras)")
    if len(matches) > 1:
        raise UserError(f"{spec!r} fits {_names(matches)}: give the path or index instead")
    return matches[0]


def _names(cameras: list[CameraDevice]) -> str:
    return ", ".join(map(str, cameras)) or "no cameras"


def _linux_nodes() -> list[_Node]:
    paths = Path("/sys/class/video4linux").glob("video*")
    numbered = [
        (int(match[1]), path) for path in paths if (match := re.search(r"(\d+)$", path.name))
    ]
    return [_linux_node(number, path) for number, path in sorted(numbered)]


def _linux_node(number: int, described: Path) -> _Node:
    """Describe /dev/video`number`; a camera has nodes for metadata too, which do not capture."""
    import fcntl

    address = f"/dev/video{number}"
    try:
        name = (described / "name").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        name = address
    try:
        with Path(address).open("rb", buffering=0) as node:
            answer = fcntl.ioctl(node, _QUERYCAP, bytes(_CAPABILITY.size))
    except OSError:
        # Not ours to open: list it, so that opening it can say what is wrong.
        return _Node(CameraDevice(name, address), captures=True)
    driver, _card, _bus, _version, _all, device = _CAPABILITY.unpack(answer)
    virtual = driver.rstrip(b"\0") == _LOOPBACK_DRIVER
    return _Node(CameraDevice(name, address, virtual), captures=bool(device & _VIDEO_CAPTURE))


def _enumerated_cameras() -> list[CameraDevice]:
    try:
        from cv2_enumerate_cameras import enumerate_cameras
    except ImportError:
        return []
    from realtime.camera import backend

    found = [CameraDevice(camera.name, camera.index) for camera in enumerate_cameras(backend())]
    # Virtual cameras last, so that the default is not our own output.
    return sorted(found, key=lambda device: "virtual" in device.name.lower())
