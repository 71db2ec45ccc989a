"""Recordings, read back frame by frame; and what is left of them after a kill or a full disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from realtime.arrays import Frame, Plane, Size
from realtime.errors import DeviceError, UserError
from realtime.planes import from_bgr
from realtime.recording import Recording
from realtime.video_file import FORMATS, VIDEO_SUFFIXES, VideoFile
from tests import disks

SIZE: Size = (320, 192)
CELL = 32
BITS = 10
MEAN_LEVELS = 2.0
"""Allowed mean error after encoding, in grey levels."""


def stamped(number: int, size: Size = SIZE) -> Frame:
    """Return a picture with soft colours below and `number` in black and white cells above."""
    width, height = size
    x, y = np.linspace(0, 1, width), np.linspace(0, 1, height)[:, None]
    frame = np.stack([60 + 120 * (x + 0 * y), 200 - 100 * (y + 0 * x), 90 + 60 * x * y], axis=-1)
    for bit in range(BITS):
        frame[:CELL, bit * CELL : (bit + 1) * CELL] = 255 * (number >> bit & 1)
    return frame.astype(np.uint8)


def noisy(number: int) -> Frame:
    """Return what takes the most bytes: `number` in cells above noise."""
    frame = stamped(number)
    frame[CELL:] = np.random.default_rng(number).integers(0, 256, frame[CELL:].shape)
    return frame


def read_stamp(frame: Frame) -> int:
    """Return the number in a picture made by `stamped`."""
    cells = frame[:CELL, : BITS * CELL].reshape(CELL, BITS, CELL, 3).mean(axis=(0, 2, 3))
    return sum(1 << bit for bit, level in enumerate(cells) if level > 127)


def read(path: Path | BytesIO) -> SimpleNamespace:
    """Decode all of a video: `frames` [H, W, 3] BGR, `times`, `last_duration`, both exact."""
    with av.open(path if isinstance(path, BytesIO) else str(path)) as container:
        stream = container.streams.video[0]
        base = stream.time_base
        assert base is not None
        video = SimpleNamespace(frames=[], times=[], last_duration=None, base=base)
        for packet in container.demux(stream):
            if packet.duration:
                video.last_duration = packet.duration * base
            for frame in packet.decode():
                video.frames.append(frame.to_ndarray(format="bgr24"))
                video.times.append(frame.pts * base)
    return video


def test_every_frame_comes_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    with Recording(path, SIZE, 30) as recording:
        for number in range(90):
            recording.send(stamped(number), number / 30)
    frames = read(path).frames
    assert recording.frames == 90
    assert [read_stamp(frame) for frame in frames] == list(range(90))
    for number in (0, 45, 89):
        error = np.abs(frames[number].astype(int) - stamped(number)).mean()
        assert error < MEAN_LEVELS, f"frame {number}: {error:.2f} levels"


def test_colours_survive(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 255, 255), (255, 255, 255), (0, 0, 0)]
    sent = np.repeat(np.array([colours], np.uint8), 32, axis=1).repeat(64, axis=0)
    with Recording(path, (192, 64), 30) as recording:
        recording.send(sent, 0)
    found = read(path).frames[0][32, 16::32].astype(int)
    assert np.abs(found - colours).max() <= 6
    with av.open(str(path)) as container:
        codec = container.streams.video[0].codec_context
        # BT.601 of limited range, written into the file, so that players need not guess.
        assert (codec.colorspace, codec.color_range) == (6, 1)


def test_keeps_a_variable_rate_to_the_tick(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    start = 123_456.789
    gaps = np.random.default_rng(5).uniform(0.004, 0.3, 40)
    passed = np.concatenate([[0], np.cumsum(gaps)])
    with Recording(path, SIZE, 30) as recording:
        for number, seconds in enumerate(passed):
            recording.send(stamped(number), start + seconds)
    video = read(path)
    per_s = FORMATS[suffix].ticks_per_s
    assert video.times[0] == 0
    assert video.base == Fraction(1, per_s)
    assert video.times == [Fraction(round(seconds * per_s), per_s) for seconds in passed]


def test_time_that_stands_still_or_runs_back_moves_on(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    with Recording(path, SIZE, 30) as recording:
        for number, seconds in enumerate([5, 5, 4, 5.0000001, 6]):
            recording.send(stamped(number), seconds)
    times = read(path).times
    assert len(times) == 5
    assert times == sorted(set(times))
    assert times[-1] == 1


@pytest.mark.parametrize("time_s", [float("nan"), float("inf")])
def test_refuses_a_time_that_is_none(tmp_path: Path, time_s: float) -> None:
    with (
        Recording(tmp_path / "out.mp4", SIZE, 30) as recording,
        pytest.raises(ValueError, match=f"time_s: found {time_s}, expected seconds"),
    ):
        recording.send(stamped(0), time_s)


def test_the_last_frame_is_shown_as_long_as_the_rate_says(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with Recording(path, SIZE, 10) as recording:
        for number in range(3):
            recording.send(stamped(number), number / 30)
    assert read(path).last_duration == Fraction(1, 10)
    with av.open(str(path)) as container:
        assert container.duration == pytest.approx(1e6 * (2 / 30 + 1 / 10), abs=1000)


def test_an_unknown_rate_will_do(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    with Recording(path, SIZE, 0) as recording:
        recording.send(stamped(0), 0)
    assert len(read(path).frames) == 1


@pytest.mark.parametrize("size", [(321, 192), (320, 193), (321, 193), (1, 1)])
def test_odd_sizes_are_padded_by_their_edge(tmp_path: Path, suffix: str, size: Size) -> None:
    path = tmp_path / f"out{suffix}"
    sent = np.full((size[1], size[0], 3), (40, 80, 200), np.uint8)
    with Recording(path, size, 30) as recording:
        recording.send(sent, 0)
    (frame,) = read(path).frames
    assert frame.shape == (size[1] + size[1] % 2, size[0] + size[0] % 2, 3)
    assert np.abs(frame.astype(int) - (40, 80, 200)).max() <= 4


def test_the_caller_may_change_the_array_after_sending(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    shared = stamped(0)
    with Recording(path, SIZE, 30) as recording:
        for number in range(20):
            shared[:] = stamped(number)
            recording.send(shared, number / 30)
            shared[:] = 0
    assert [read_stamp(frame) for frame in read(path).frames] == list(range(20))


def test_a_closed_mp4_is_an_ordinary_file(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with Recording(path, SIZE, 30) as recording:
        for number in range(60):
            recording.send(stamped(number), number / 30)
    data = path.read_bytes()
    boxes, offset = [], 0
    while offset < len(data):
        boxes.append(data[offset + 4 : offset + 8])
        offset += int.from_bytes(data[offset : offset + 4], "big")
    assert boxes == [b"ftyp", b"free", b"mdat", b"moov"]


def test_without_mosaics_no_file_is_left(tmp_path: Path, suffix: str) -> None:
    Recording(tmp_path / f"out{suffix}", SIZE, 30).close()
    assert not list(tmp_path.iterdir())


def test_does_not_overwrite_unasked(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    path.write_text("precious")
    with pytest.raises(UserError, match="is there already: pass --overwrite"):
        Recording(path, SIZE, 30)
    assert path.read_text() == "precious"
    with Recording(path, SIZE, 30, overwrite=True) as recording:
        recording.send(stamped(7), 0)
    assert read_stamp(read(path).frames[0]) == 7


def test_takes_names_in_any_script(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "Aufnahmen größer 数字 🎥" / f"é 一{suffix}"
    path.parent.mkdir()
    with Recording(path, SIZE, 30) as recording:
        recording.send(stamped(3), 0)
    assert read_stamp(read(path).frames[0]) == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing/out.mp4", "no folder .*missing: make it first"),
        ("out.avi", "not a video: choose one of .mp4 .mkv .webm"),
        ("folder.mp4", "is a folder: name a file in it"),
    ],
)
def test_refuses_places_in_one_line(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(UserError, match=message) as told:
        Recording(tmp_path / name, SIZE, 30)
    assert "\n" not in str(told.value)


def test_refuses_a_size_beyond_the_encoder(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="cannot encode 40000x40000"):
        Recording(tmp_path / "out.mp4", (40_000, 40_000), 30)
    assert not list(tmp_path.iterdir())


def test_refuses_a_read_only_folder(tmp_path: Path) -> None:
    with disks.read_only(tmp_path), pytest.raises(UserError, match="may not be written"):
        Recording(tmp_path / "out.mp4", SIZE, 30)


def test_a_full_disk_is_told_and_the_file_plays(small_disk: Path, suffix: str) -> None:
    path = small_disk / f"out{suffix}"
    recording = Recording(path, SIZE, 30)
    with pytest.raises(DeviceError, match="the disk is full: the recording plays up to there"):
        for number in range(1 << BITS):
            recording.send(noisy(number), number / 30)
    recording.close()
    frames = read(path).frames
    assert len(frames) > 10
    assert [read_stamp(frame) for frame in frames] == list(range(len(frames)))


def test_a_disk_full_at_the_end_leaves_a_file_that_plays(small_disk: Path, suffix: str) -> None:
    path = small_disk / f"out{suffix}"
    recording = Recording(path, SIZE, 30)
    for number in range(20):
        recording.send(noisy(number), number / 30)
    _wait_until_written(path)
    disks.fill(small_disk)
    with pytest.raises(DeviceError, match="the disk is full: the recording plays up to there"):
        recording.close()
    recording.close()
    frames = read(path).frames
    assert [read_stamp(frame) for frame in frames] == list(range(len(frames)))
    assert len(frames) >= 10


def test_a_kill_at_any_write_of_close_leaves_a_file_that_plays(suffix: str) -> None:
    file = _SnapshotFile()
    video = VideoFile(file, FORMATS[suffix], SIZE, 30)
    for number in range(45):
        video.write(from_bgr(stamped(number)), number * FORMATS[suffix].ticks_per_s // 30)
    file.snapshots = []
    video.finish()
    assert file.snapshots is not None
    assert len(file.snapshots) >= 2
    for snapshot in file.snapshots:
        frames = read(BytesIO(snapshot)).frames
        assert [read_stamp(frame) for frame in frames] == list(range(len(frames)))
        assert len(frames) >= 30
    assert len(read(BytesIO(file.snapshots[-1])).frames) == 45


def test_an_encoder_that_fails_is_told_and_the_file_plays(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(VideoFile):
        """An encoder that breaks at second 2."""

        def write(self, planes: Plane, ticks: int) -> None:
            if ticks >= 2 * FORMATS[suffix].ticks_per_s:
                self.abandon()
                raise av.error.ExternalError(-542398533, "Generic error in an external library")
            super().write(planes, ticks)

    monkeypatch.setattr("realtime.recording.VideoFile", Failing)
    path = tmp_path / f"out{suffix}"
    recording = Recording(path, SIZE, 30)
    with pytest.raises(DeviceError, match="the encoder failed: the recording plays up to there"):
        for number in range(120):
            recording.send(stamped(number), number / 30)
    recording.close()
    numbers = [read_stamp(frame) for frame in read(path).frames]
    assert numbers == list(range(len(numbers)))
    assert 30 < len(numbers) <= 60


CHILD = """
import sys, time
from test_recording import SIZE, stamped
from realtime.recording import Recording
with Recording(sys.argv[1], SIZE, 30) as recording:
    start = time.perf_counter()
    for number in range(900):
        time.sleep(max(0, start + number / 30 - time.perf_counter()))
        recording.send(stamped(number), number / 30)
        print(number, flush=True)
"""


@pytest.mark.parametrize("seed", range(2))
def test_a_killed_recording_plays_to_within_a_second(
    tmp_path: Path, suffix: str, seed: int
) -> None:
    path = tmp_path / f"out{suffix}"
    search = os.pathsep.join([*filter(None, sys.path), str(Path(__file__).parent)])
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": search},
    )
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(np.random.default_rng(seed).uniform(1.1, 2.5))
        child.send_signal(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
        sent = int(child.stdout.read().split()[-1])
    frames = read(path).frames
    print(f"{suffix}: killed after {sent / 30:.2f} s, plays {len(frames) / 30:.2f} s")
    assert [read_stamp(frame) for frame in frames] == list(range(len(frames)))
    assert sent + 1 - len(frames) <= 30


@pytest.fixture(params=VIDEO_SUFFIXES)
def suffix(request: pytest.FixtureRequest) -> str:
    """Return each ending in its turn."""
    return str(request.param)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return the root of a disk of 2 MB."""
    with disks.small(tmp_path) as disk:
        yield disk


def _wait_until_written(path: Path) -> None:
    """Wait until the encoder thread has written its first fragments and has no more to do."""
    deadline = time.monotonic() + 10
    before, after = -1, 0
    while before != after or after < 50_000:
        assert time.monotonic() < deadline
        time.sleep(0.3)
        before, after = after, path.stat().st_size


class _SnapshotFile(BytesIO):
    """A file in memory that keeps what a kill after each write would leave."""

    snapshots: list[bytes] | None = None

    def write(self, data: Any) -> int:
        written = super().write(data)
        if self.snapshots is not None:
            self.snapshots.append(self.getvalue())
        return written
