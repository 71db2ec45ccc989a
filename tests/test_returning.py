"""A camera that comes and goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from realtime import returning
from realtime.arrays import Size
from realtime.camera import Camera
from realtime.devices import CameraDevice
from realtime.errors import DeviceError
from realtime.returning import ReturningCamera
from realtime.sources import Source, SourceInfo, TimedFrame
from tests.fakes import FakeCapture, plain

HERE = CameraDevice("HD Webcam", "/dev/video0")
ELSEWHERE = CameraDevice("HD Webcam", "/dev/video2")
TWIN = CameraDevice("HD Webcam", "/dev/video4")
HANG_S = 5.0


class Desk:
    """Which cameras are plugged in, and which were opened.

    Attributes:
        listed: the cameras that the system knows.
        ready: those that can be opened.
        opened: in this order.
    """

    def __init__(self) -> None:
        self.listed = [HERE]
        self.ready = [HERE]
        self.opened: list[CameraDevice] = []
        self.captures: list[FakeCapture] = []
        self.size: Size = (8, 6)

    def open(self, device: CameraDevice, unwanted: Callable[[], bool]) -> Source:
        if device not in self.ready:
            raise DeviceError(f"cannot open {device}: gone")
        self.opened.append(device)
        if self.size != (8, 6):
            return _Wide(self.size)
        self.captures.append(FakeCapture(fps=100, frames=5 if len(self.opened) == 1 else None))
        return Camera(self.captures[-1], device.name, present=lambda: False, unwanted=unwanted)

    def unplug(self) -> None:
        self.listed, self.ready = [], []


class _Wide(Source):
    """A camera that came back with frames of another size."""

    def __init__(self, size: Size) -> None:
        self.info = SourceInfo("wide", size, 30, live=True, frames=None)
        self.dropped = 0

    def read(self) -> TimedFrame:
        return TimedFrame(plain(7, self.info.size), time.perf_counter())

    def close(self) -> None:
        pass


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Return a desk with one camera, which stops after 5 frames."""
    desk = Desk()
    monkeypatch.setattr(returning, "list_cameras", lambda: list(desk.listed))
    monkeypatch.setattr(returning, "SEARCH_EVERY_S", 0.01)
    return desk


@pytest.fixture
def camera(desk: Desk) -> Iterator[ReturningCamera]:
    with ReturningCamera(HERE, desk.open) as camera:
        camera.patience_s = HANG_S
        yield camera


def read_until(camera: ReturningCamera, happens: Callable[[], bool]) -> TimedFrame | None:
    """Read until something is the case, and return what was read last."""
    end = time.perf_counter() + HANG_S
    frame = None
    while not happens():
        assert time.perf_counter() < end, "it never happened"
        frame = camera.read()
    return frame


def test_is_a_camera_like_any_other(desk: Desk, camera: ReturningCamera) -> None:
    frame = camera.read()
    assert frame is not None and frame.image.shape == (6, 8, 3)
    assert (camera.info.name, camera.away) == ("HD Webcam", "")


def test_says_that_it_is_away_and_comes_back(desk: Desk, camera: ReturningCamera) -> None:
    desk.unplug()
    assert read_until(camera, lambda: camera.away != "") is None
    assert camera.away == "HD Webcam was unplugged: looking for it, so plug it in again"
    start = time.perf_counter()
    assert camera.read() is None
    assert time.perf_counter() - start < 1, "the window would stand still"
    desk.listed = [HERE]  # listed, but not yet to be opened
    assert camera.read() is None
    desk.ready = [HERE]
    back_s = time.perf_counter()
    frame = read_until(camera, lambda: camera.away == "")
    assert frame is not None and frame.time_s >= back_s, "None would have been the end"
    assert desk.opened == [HERE, HERE]


def test_comes_back_at_another_address(desk: Desk, camera: ReturningCamera) -> None:
    desk.unplug()
    read_until(camera, lambda: camera.away != "")
    desk.listed = desk.ready = [ELSEWHERE]
    read_until(camera, lambda: camera.away == "")
    assert desk.opened == [HERE, ELSEWHERE]


def test_is_back_elsewhere_before_its_loss_was_noticed(desk: Desk, camera: ReturningCamera) -> None:
    desk.listed = desk.ready = [ELSEWHERE]
    read_until(camera, lambda: len(desk.opened) == 2)
    assert desk.opened == [HERE, ELSEWHERE]


def test_is_not_mistaken_for_its_twin(desk: Desk) -> None:
    desk.listed = [HERE, TWIN]
    with ReturningCamera(HERE, desk.open) as camera:
        camera.patience_s = HANG_S
        desk.listed = desk.ready = [TWIN]
        read_until(camera, lambda: camera.away != "")
        assert [camera.read() for _ in range(3)] == [None] * 3
        desk.listed = desk.ready = [TWIN, ELSEWHERE]
        read_until(camera, lambda: camera.away == "")
    assert desk.opened == [HERE, ELSEWHERE]


def test_keeps_its_size(desk: Desk, camera: ReturningCamera) -> None:
    desk.unplug()
    read_until(camera, lambda: camera.away != "")
    desk.size = (16, 10)
    desk.listed = desk.ready = [HERE]
    frame = read_until(camera, lambda: camera.away == "")
    assert frame is not None and frame.image.shape == (6, 8, 3)


def test_counts_what_was_dropped_before_and_after(desk: Desk, camera: ReturningCamera) -> None:
    desk.unplug()
    time.sleep(0.3)  # five frames came meanwhile, of which one waits to be read
    read_until(camera, lambda: camera.away != "")
    assert camera.dropped == 4
    desk.listed = desk.ready = [HERE]
    read_until(camera, lambda: camera.away == "")
    camera.read()
    time.sleep(0.2)
    camera.read()
    assert camera.dropped > 8


def test_patience_ends(desk: Desk, camera: ReturningCamera) -> None:
    desk.unplug()
    camera.patience_s = 0.2
    start = time.perf_counter()
    with pytest.raises(DeviceError, match=r"HD Webcam was unplugged: .* for 0.2 s"):
        read_until(camera, lambda: False)
    assert 0.2 < time.perf_counter() - start < 2
    assert camera.away == ""


def test_without_patience_it_fails_at_once(desk: Desk, camera: ReturningCamera) -> None:
    camera.patience_s = 0
    with pytest.raises(DeviceError, match="HD Webcam was unplugged: plug it in again"):
        read_until(camera, lambda: False)


def test_closing_ends_the_search(desk: Desk, camera: ReturningCamera) -> None:
    desk.unplug()
    read_until(camera, lambda: camera.away != "")
    camera.close()
    desk.listed = desk.ready = [HERE]
    time.sleep(0.1)
    assert desk.opened == [HERE]
    assert camera.read() is None


def test_does_not_open_what_does_not_open(desk: Desk) -> None:
    desk.unplug()
    with pytest.raises(DeviceError, match="cannot open"):
        ReturningCamera(HERE, desk.open)


def test_rests_and_wakes(desk: Desk, camera: ReturningCamera) -> None:
    assert camera.read() is not None
    camera.rest()
    assert desk.captures[0].released
    camera.wake()
    assert desk.opened == [HERE, HERE]
    assert camera.read() is not None
    assert camera.away == ""


def test_counts_what_a_rest_dropped(desk: Desk, camera: ReturningCamera) -> None:
    time.sleep(0.3)
    camera.rest()
    assert camera.dropped == 5


def test_unplugged_while_it_rests_it_is_looked_for(desk: Desk, camera: ReturningCamera) -> None:
    camera.rest()
    desk.unplug()
    camera.wake()
    assert camera.away.endswith("looking for it, so plug it in again")
    desk.listed = desk.ready = [ELSEWHERE]
    assert read_until(camera, lambda: camera.away == "") is not None


def test_rests_while_it_is_away(desk: Desk, camera: ReturningCamera) -> None:
    desk.unplug()
    read_until(camera, lambda: camera.away != "")
    camera.rest()
    desk.listed = desk.ready = [HERE]
    time.sleep(0.1)
    assert (camera.away, desk.opened) == ("", [HERE])
    camera.wake()
    assert camera.read() is not None


def test_unplugged_while_it_rests_without_patience_it_fails(
    desk: Desk, camera: ReturningCamera
) -> None:
    camera.patience_s = 0
    camera.rest()
    desk.unplug()
    with pytest.raises(DeviceError, match="cannot open HD Webcam"):
        camera.wake()
