"""Real devices: a V4L2 webcam that can be pulled out. Run on a machine lent for it.

Needs root, CAMERAS=1, the kernel's test camera `vivid` at /dev/video0 and v4l2loopback at
/dev/video10: `sudo modprobe vivid n_devs=1 node_types=0x1 vid_cap_nr=0` and
`sudo modprobe v4l2loopback video_nr=10 card_label=Automosaics exclusive_caps=1`.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from realtime import cli
from realtime.devices import find_camera, list_cameras, list_virtual_cameras
from realtime.errors import DeviceError
from realtime.sources import open_source
from tests.fakes import FakeMosaicFilter, read_on

if "CAMERAS" not in os.environ:
    pytest.skip("pulls out the webcam: set CAMERAS=1 on a machine for it", allow_module_level=True)

WEBCAM = Path("/dev/video0")
_DRIVER = Path("/sys/bus/platform/drivers/vivid")
GONE_S = 4.0
"""A camera that was pulled out must be noticed within this: about 3 s, and a little patience."""


def unplug() -> None:
    """Take the camera away, node and all."""
    (_DRIVER / "unbind").write_text("vivid.0")


def disconnect() -> None:
    """Have the driver say that the device is gone; the node stays."""
    subprocess.run(["v4l2-ctl", "-d", str(WEBCAM), "-c", "disconnect=1"], check=True)


@pytest.fixture
def plugged_in_again() -> Iterator[None]:
    """Plug the camera in, whatever the test did to it."""
    yield
    if WEBCAM.exists():
        unplug()
    (_DRIVER / "bind").write_text("vivid.0")
    end = time.perf_counter() + 10
    while not os.access(WEBCAM, os.R_OK) and time.perf_counter() < end:
        time.sleep(0.05)


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
        (_DRIVER / "bind").write_text("vivid.0")
        with open_source("0") as camera:
            assert camera.read() is not None

    def test_before_it_is_opened(self) -> None:
        unplug()
        with pytest.raises(DeviceError, match="no camera at /dev/video0: found no cameras"):
            open_source("0")
        with pytest.raises(DeviceError, match="no camera found: plug one in"):
            open_source(None)

    @pytest.mark.parametrize("pull", [unplug, disconnect])
    def test_during_a_recording(
        self,
        pull: Callable[[], None],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(cli, "MosaicFilter", FakeMosaicFilter)
        path = tmp_path / "out.mp4"
        pulling = threading.Timer(1.0, pull)
        pulling.start()
        start = time.perf_counter()
        status = cli.main(["--source", "0", "--record", str(path), "--no-window", "--stats"])
        pulling.join()
        out, err = capfd.readouterr()
        assert time.perf_counter() - start < 1.0 + GONE_S + 2.0
        assert (status, err.count("\n")) == (1, 1)
        assert err.startswith("automosaic: vivid-000-vid-cap ")
        statistics = json.loads(out)
        assert statistics["captured"] == statistics["frames"] + statistics["dropped"]
        with open_source(str(path)) as recording:
            assert recording.info.frames == statistics["frames"] > 0
