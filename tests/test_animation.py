"""Animations for sharing: small, looping, true to time and colour."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime import animation
from realtime.animation import ANIMATION_SUFFIXES, Animation
from realtime.arrays import Frame, Size
from realtime.errors import DeviceError, UserError
from realtime.sources import open_source

SIZE: Size = (96, 64)


def picture(number: int, size: Size = SIZE) -> Frame:
    """Return a picture of soft colours, with a bright bar whose place tells the number."""
    x, y = np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1])[:, None]
    planes = [60 + 120 * (x + 0 * y), 200 - 100 * (y + 0 * x), 90 + 60 * x * y]
    frame = np.stack(planes, axis=-1).astype(np.uint8)
    bar = size[0] // 12
    frame[: size[1] // 4, number % 12 * bar : (number % 12 + 1) * bar] = 255
    return frame


def written(path: Path, times_s: list[float], size: Size = SIZE) -> list[str]:
    """Write pictures at these times, and return what was told."""
    lines: list[str] = []
    with Animation(path, size, report=lines.append) as sink:
        for number, time_s in enumerate(times_s):
            sink.send(picture(number, size), time_s)
    return lines


def read(path: Path) -> tuple[list[Frame], list[int]]:
    """Return the pictures of an animation, BGR, and for how many milliseconds each is shown."""
    found, read = cv2.imreadanimation(str(path)), []
    assert found[0]
    for image in found[1].frames:
        read.append(np.asarray(image[..., :3], np.uint8))
    return read, [int(duration) for duration in found[1].durations]


needs_reader = pytest.mark.skipif(
    not hasattr(cv2, "imreadanimation"), reason="needs OpenCV 4.11, to read animations"
)


@pytest.fixture(params=ANIMATION_SUFFIXES)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a path with each ending in its turn."""
    return tmp_path / f"größer 数字{request.param}"


@needs_reader
def test_pictures_times_and_colours(path: Path) -> None:
    assert written(path, [100 + number / 12.5 for number in range(10)]) == []
    frames, durations = read(path)
    assert len(frames) == 10
    assert durations[:-1] == [80] * 9
    for number, frame in enumerate(frames):
        error = np.abs(frame.astype(int) - picture(number)).mean()
        assert error < 5, f"frame {number}: {error:.1f} levels"


@needs_reader
def test_greys_are_exact_enough(tmp_path: Path) -> None:
    ramp = np.tile(np.arange(0, 256, 2, dtype=np.uint8)[None, :, None], (64, 1, 3))
    with Animation(tmp_path / "out.gif", (128, 64)) as sink:
        sink.send(ramp, 0)
        sink.send(ramp[::-1], 0.1)
    error = np.abs(read(tmp_path / "out.gif")[0][0].astype(int) - ramp)
    assert error.mean() < 2 and error.max() <= 6


@needs_reader
def test_a_variable_rate_is_kept(path: Path) -> None:
    written(path, [0, 0.1, 0.5, 0.6, 1.2])
    assert read(path)[1][:-1] == [100, 400, 100, 600]


@needs_reader
@pytest.mark.parametrize(("fps", "taken"), [(60, 15), (30, 15), (25, 13), (15, 15), (10, 10)])
def test_takes_so_many_a_second(path: Path, fps: int, taken: int) -> None:
    jitter = np.random.default_rng(0).uniform(-0.002, 0.002, fps)
    written(path, [number / fps + early for number, early in enumerate(jitter)])
    assert len(read(path)[0]) == pytest.approx(taken, abs=1)


def test_repeats_for_ever(path: Path) -> None:
    written(path, [0, 0.1, 0.2])
    content = path.read_bytes()
    if path.suffix == ".gif":
        assert b"NETSCAPE2.0\x03\x01\x00\x00\x00" in content
    else:
        place = content.index(b"ANIM")
        assert content[place + 12 : place + 14] == b"\x00\x00"


@needs_reader
@pytest.mark.parametrize(
    ("size", "shrunk"), [((1280, 720), (640, 360)), ((720, 1280), (360, 640)), ((97, 65), (97, 65))]
)
def test_is_no_larger_than_places_take(path: Path, size: Size, shrunk: Size) -> None:
    written(path, [0, 0.1], size)
    assert read(path)[0][0].shape == (shrunk[1], shrunk[0], 3)


@needs_reader
def test_ends_when_it_is_full(path: Path) -> None:
    lines = written(path, [number / 2 for number in range(70)])
    assert lines == [f"{path} is full after 30 s: record .mp4 for more"]
    assert len(read(path)[0]) == 61


@needs_reader
def test_what_stands_still_costs_little(path: Path) -> None:
    with Animation(path, (640, 360)) as sink:
        noise = np.random.default_rng(0).integers(0, 256, (360, 640, 3), np.uint8)
        for number in range(20):
            sink.send(noise, number / 10)
    alone = path.with_stem("alone")
    with Animation(alone, (640, 360)) as sink:
        sink.send(noise, 0)
    assert path.stat().st_size < 1.2 * alone.stat().st_size + 10_000


def test_one_picture_will_do(path: Path) -> None:
    written(path, [0])
    with open_source(str(path)) as source:
        frame = source.read()
    assert frame is not None and np.abs(frame.image.astype(int) - picture(0)).mean() < 5


def test_a_gif_is_a_source_again(tmp_path: Path) -> None:
    written(tmp_path / "out.gif", [0, 0.1, 0.3])
    with open_source(str(tmp_path / "out.gif")) as source:
        times = []
        while (frame := source.read()) is not None:
            times.append(round(frame.time_s, 2))
    assert times == [0, 0.1, 0.3]


def test_time_that_runs_back_is_left_out(path: Path) -> None:
    assert written(path, [5, 5, 4, 5.1]) == []
    assert path.stat().st_size > 0


def test_without_pictures_no_file_is_left(path: Path) -> None:
    written(path, [])
    assert not path.exists()


def test_does_not_overwrite_unasked(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(UserError, match="is there already: pass --overwrite"):
        Animation(path, SIZE)
    assert path.read_text() == "precious"


def test_names_its_endings(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"found .png, expected one of .gif .webp"):
        Animation(tmp_path / "out.png", SIZE)


def test_a_full_disk_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(animation, "write_all", full)
    with pytest.raises(DeviceError, match=r"No space left"):
        written(path, [0, 0.1])


def test_the_loop_is_not_held_up(path: Path) -> None:
    with Animation(path, (1280, 720)) as sink:
        frame = picture(0, (1280, 720))
        start = time.perf_counter()
        sink.send(frame, 0)
        assert time.perf_counter() - start < 0.5


def test_frames_are_counted(path: Path) -> None:
    with Animation(path, SIZE) as sink:
        for number in range(10):
            sink.send(picture(number), number / 30)
    assert sink.frames == 5
