"""Real devices: a V4L2 webcam that can be pulled out. Run on a machine lent for it.

Needs root, CAMERAS=1, the kernel's test camera `vivid` at /dev/video0 and v4l2loopback at
/dev/video10: `sudo modprobe vivid n_devs=1 node_types=0x1 vid_cap_nr=0` and
`sudo modprobe v4l2loopback video_nr=10 card_label=Automosaics exclusive_caps=1`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from realtime.devices import find_camera, list_cameras, list_virtual_cameras
from realtime.errors import DeviceError
from realtime.sources import open_source
from tests.fakes import read_on
from tests.webcam import GONE_S, disconnect, plug_in, unplug

if "CAMERAS" not in os.environ:
    pytest.skip("pulls out the webcam: set CAMERAS=1 on a machine for it", allow_module_level=True)


class TestWebcam:
    """The camera by every name it has."""

    def test_is_listed_by_name(self) -> None:
        assert [str(camera) for camera in list_cameras()] == ["vivid-000-vid-cap (/dev/video0)"]

    def test_virtual_cameras_are_listed_apart(self) -> None:
        assert [str(camera) for camera in list_virtual_cameras()] == ["Automosaics (/dev/video10)"]

    @pytest.mark.parametrize("spec", [None, "0", "/dev/video0", "VIVID", "vivid-000-vid-cap"])
    def test_is_found(self, spec: str | None) -> None:
        assert find_camera(spec).address == "/dev/video0"

    def test_gives_1280x720_unless_asked(self) -> None:
        with open_source("0") as camera:
            assert camera.info.size == (1280, 720)
            assert camera.info.name == "vivid-000-vid-cap"

    def test_gives_what_it_is_asked_for(self) -> None:
        with open_source("0", size=(640, 480)) as camera:
            frame = camera.read()
        assert frame is not None and frame.image.shape == (480, 640, 3)

    def test_gives_what_it_has_if_it_is_asked_for_nonsense(self) -> None:
        with open_source("0", size=(17, 8000), fps=240) as camera:
            frame = camera.read()
        assert frame is not None
        assert frame.image.shape[1::-1] == camera.info.size

    def test_opens_again(self) -> None:
        for _ in range(3):
            with open_source("0") as camera:
                assert camera.read() is not None

    def test_that_is_in_use_says_so(self) -> None:
        with open_source("0"), pytest.raises(DeviceError, match="close other programs"):
            open_source("0")

    def test_that_is_no_camera_yet_says_so(self) -> None:
        # With exclusive_caps=1 it becomes one when somebody writes to it.
        with pytest.raises(DeviceError, match="/dev/video10"):
            open_source("/dev/video10")


@pytest.mark.usefixtures("plugged_in_again")
class TestUnplugged:
    """A camera that goes away is noticed, in one line and soon."""

    @pytest.mark.parametrize("pull", [unplug, disconnect])
    def test_while_it_is_read(self, pull: Callable[[], None]) -> None:
        with open_source("0") as camera:
            assert camera.read() is not None
            pull()
            start = time.perf_counter()
            with pytest.raises(DeviceError, match=r"vivid.*plug it in again") as caught:
                read_on(camera)
        assert time.perf_counter() - start < GONE_S
        assert "\n" not in str(caught.value)

    def test_and_plugged_in_again(self) -> None:
        with open_source("0") as camera:
            unplug()
            with pytest.raises(DeviceError):
                read_on(camera)
        plug_in()
        with open_source("0") as camera:
            assert camera.read() is not None

    def test_before_it_is_opened(self) -> None:
        unplug()
        with pytest.raises(DeviceError, match="no camera at /dev/video0: found no cameras"):
            open_source("0")
        with pytest.raises(DeviceError, match="no camera found: plug one in"):
            open_source(None)
