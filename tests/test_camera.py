"""Cameras: the newest frame, an orderly failure, and finding one by its name."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from realtime import camera as cameras
from realtime import devices
from realtime.arrays import Frame
from realtime.camera import Camera
from realtime.devices import CameraDevice, find_camera
from realtime.errors import DeviceError, UnwantedError, UserError
from realtime.sources import open_source
from tests.fakes import FakeCapture, read_all, read_on

HANG_S = 5.0
"""Nothing that is meant to end at once may take this long, on the slowest of machines."""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let cameras give up soon."""
    monkeypatch.setattr(cameras, "READ_TIMEOUT_S", 0.1)
    monkeypatch.setattr(cameras, "FIRST_FRAME_S", 0.2)
    monkeypatch.setattr(cameras, "GRACE_S", 0.1)


class TestCamera:
    """A camera gives its newest frame, and says so when it has none."""

    def test_newest_wins_and_all_are_accounted_for(self) -> None:
        capture = FakeCapture(fps=200)
        with Camera(capture, "fake") as camera:
            numbers = []
            for _ in range(5):
                frame = camera.read()
                assert frame is not None
                numbers.append(int(frame.image[0, 0, 0]))
                time.sleep(0.03)
            before_close = capture.delivered
        assert numbers == sorted(set(numbers))
        assert numbers[-1] >= 8, "older frames were given instead of the newest"
        # One frame may have arrived between counting and closing.
        assert before_close <= len(numbers) + camera.dropped + 1
        assert len(numbers) + camera.dropped <= capture.delivered

    def test_nobody_waits_for_what_is_unwanted(self) -> None:
        capture = FakeCapture(frames=3, blocks=True)
        start = time.perf_counter()
        with Camera(capture, "fake") as camera:
            camera.unwanted = lambda: time.perf_counter() - start > 0.5
            read_on(camera)
            capture.release_me.set()
        assert time.perf_counter() - start < cameras.READ_TIMEOUT_S

    def test_nor_for_the_first_picture(self) -> None:
        capture = FakeCapture(frames=0, blocks=True)
        start = time.perf_counter()
        with pytest.raises(UnwantedError, match=r"^fake had sent no picture"):
            Camera(capture, "fake", unwanted=lambda: True)
        capture.release_me.set()
        assert time.perf_counter() - start < cameras.FIRST_FRAME_S

    def test_every_frame_is_read_or_dropped(self) -> None:
        capture = FakeCapture(frames=20)
        read = 0
        with Camera(capture, "fake") as camera, pytest.raises(DeviceError):
            while camera.read() is not None:
                read += 1
                time.sleep(0.012)
        assert read + camera.dropped == capture.delivered == 20

    def test_a_reader_waits_for_the_next_frame(self) -> None:
        with Camera(FakeCapture(fps=50), "fake") as camera:
            times = [frame.time_s for frame in read_all(camera)]
        assert len(set(times)) == len(times)

    @pytest.mark.parametrize("blocks", [True, False])
    @pytest.mark.usefixtures("impatient")
    def test_says_when_it_has_stopped(self, blocks: bool) -> None:
        capture = FakeCapture(frames=3, blocks=blocks)
        start = time.perf_counter()
        with (
            pytest.raises(DeviceError, match=r"^fake .*: plug it in again") as caught,
            Camera(capture, "fake") as camera,
        ):
            read_on(camera)
        assert time.perf_counter() - start < HANG_S
        assert "\n" not in str(caught.value)
        capture.release_me.set()

    @pytest.mark.usefixtures("impatient")
    def test_says_when_it_never_starts(self) -> None:
        capture = FakeCapture(frames=0)
        with pytest.raises(DeviceError, match=r"stopped sending|sent no picture"):
            Camera(capture, "fake")
        assert _soon(lambda: capture.released)

    def test_may_take_its_time_to_wake_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cameras, "GRACE_S", 0.05)
        monkeypatch.setattr(cameras, "_HELD_S", 0.1)
        capture = FakeCapture()
        silences = iter(range(3))
        grab = capture.grab

        def wake_up() -> bool:
            if next(silences, None) is None:
                return grab()
            time.sleep(0.1)
            return False

        monkeypatch.setattr(capture, "grab", wake_up)
        with Camera(capture, "fake") as camera:
            assert camera.read() is not None

    def test_does_not_wait_for_one_that_was_unplugged(self) -> None:
        start = time.perf_counter()
        with (
            pytest.raises(DeviceError, match="fake was unplugged"),
            Camera(FakeCapture(frames=3), "fake", present=lambda: False) as camera,
        ):
            read_on(camera)
        assert time.perf_counter() - start < cameras.GRACE_S

    def test_survives_damaged_frames(self) -> None:
        with Camera(FakeCapture(damaged=(1, 2, 5)), "fake") as camera:
            assert len(read_all(camera)) == 8

    def test_an_error_of_opencv_ends_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        capture = FakeCapture()

        def fail() -> tuple[bool, Frame]:
            raise cv2.error("broken")

        with Camera(capture, "fake") as camera:
            monkeypatch.setattr(capture, "retrieve", fail)
            with pytest.raises(DeviceError, match="fake failed"):
                read_on(camera)
        assert capture.released

    def test_releases_the_device(self) -> None:
        capture = FakeCapture()
        Camera(capture, "fake").close()
        assert capture.released

    def test_closing_again_does_not_wait_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        capture = FakeCapture(frames=1, blocks=True)
        camera = Camera(capture, "fake")
        camera.close()
        monkeypatch.setattr(camera._grabber, "join", lambda _s: pytest.fail("it waited"))
        camera.close()
        capture.release_me.set()
        assert _soon(lambda: capture.released)

    def test_closing_ends_a_read_in_another_thread(self) -> None:
        capture = FakeCapture(frames=1, blocks=True)
        camera = Camera(capture, "fake")
        camera.read()
        threading.Timer(0.05, camera.close).start()
        assert camera.read() is None
        capture.release_me.set()
        assert _soon(lambda: capture.released)

    @pytest.mark.parametrize(
        ("image", "expected"),
        [
            (np.full((6, 8), 77, np.uint8), 77),
            (np.full((6, 8, 1), 77, np.uint8), 77),
            (np.full((6, 8), 77 * 256, np.uint16), 77),
            (np.full((6, 8, 4), 77, np.uint8), 77),
        ],
    )
    def test_odd_pixels_become_bgr(
        self, image: Frame, expected: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        capture = FakeCapture()
        monkeypatch.setattr(capture, "retrieve", lambda: (True, image))
        with Camera(capture, "fake") as camera:
            frame = camera.read()
        assert frame is not None
        np.testing.assert_array_equal(frame.image, np.full((6, 8, 3), expected, np.uint8))


def _soon(happens: Callable[[], bool]) -> bool:
    end = time.perf_counter() + HANG_S
    while not happens() and time.perf_counter() < end:
        time.sleep(0.005)
    return happens()


LEFT = CameraDevice("HD Webcam, left", "/dev/null")
RIGHT = CameraDevice("HD Webcam, right", "/dev/zero")


@pytest.fixture
def two_webcams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that there are two cameras."""
    monkeypatch.setattr(devices, "list_cameras", lambda: [LEFT, RIGHT])


@pytest.mark.usefixtures("two_webcams")
class TestFindCamera:
    """A camera by name, index or path."""

    @pytest.mark.parametrize("spec", [None, "left", "LEFT", "hd webcam, left", "/dev/null"])
    def test_finds_one(self, spec: str | None) -> None:
        assert find_camera(spec) == LEFT

    def test_a_whole_name_beats_a_part(self, monkeypatch: pytest.MonkeyPatch) -> None:
        short = CameraDevice("HD Webcam", "/dev/full")
        monkeypatch.setattr(devices, "list_cameras", lambda: [LEFT, short])
        assert find_camera("hd webcam") == short

    def test_refuses_a_name_of_two(self) -> None:
        with pytest.raises(UserError, match=r"'webcam' fits HD Webcam, left .*, HD Webcam, right"):
            find_camera("webcam")

    def test_opens_a_device_that_is_not_listed(self) -> None:
        assert find_camera("/dev/full").address == "/dev/full"

    @pytest.mark.skipif(sys.platform != "linux", reason="elsewhere indices are not files")
    def test_names_what_there_is_when_an_index_is_not(self) -> None:
        with pytest.raises(DeviceError, match=r"no camera at /dev/video987: found HD Webcam, left"):
            find_camera("987")

    @pytest.mark.skipif(sys.platform != "linux", reason="elsewhere cameras may lack names")
    def test_points_to_the_demo_without_any(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(devices, "list_cameras", list)
        with pytest.raises(DeviceError, match=r"no camera found.*--source demo"):
            find_camera(None)

    @pytest.mark.skipif(sys.platform != "linux", reason="for V4L2")
    def test_a_device_that_is_no_camera_does_not_open(self) -> None:
        with pytest.raises(DeviceError, match="cannot open"):
            open_source("/dev/null")
