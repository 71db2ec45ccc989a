"""One contract for every source, then what is particular to each."""

from __future__ import annotations

import itertools
import math
import os
import sys
import time
import wave
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime import devices
from realtime.arrays import Size
from realtime.camera import Camera
from realtime.devices import CameraDevice
from realtime.errors import UserError
from realtime.picture import Picture
from realtime.sources import Source, open_source
from realtime.video import Video
from tests.clips import corner_picture, grey, write_clip
from tests.fakes import FakeCapture, read_all

SIZE: Size = (64, 48)
KINDS = ("clip.mp4", "clip.mkv", "clip.avi", "picture", "demo", "camera")
"""And a real webcam where there is one: see test_devices.py."""

OpenSource = Callable[[], Source]


@pytest.fixture(params=[*KINDS, *(["webcam"] if "CAMERAS" in os.environ else [])])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> OpenSource:
    """Return what opens one of the sources, each in its turn."""
    kind: str = request.param
    if kind == "webcam":
        return lambda: open_source("/dev/video0")
    if kind == "camera":
        return lambda: Camera(FakeCapture(), "fake camera", fps=30)
    if kind == "demo":
        return lambda: open_source("demo", size=SIZE, fps=100)
    if kind == "picture":
        path = tmp_path / "picture.png"
        cv2.imwrite(str(path), corner_picture(SIZE))
    else:
        path = write_clip(tmp_path / kind, [grey(30 * n) for n in range(8)])
    return lambda: open_source(str(path))


class TestEverySource:
    """What every backend behind `open_source` keeps to."""

    def test_describes_itself(self, opening: OpenSource) -> None:
        with opening() as source:
            info = source.info
            assert info.name
            assert all(isinstance(side, int) and side > 0 for side in info.size)
            assert math.isfinite(info.fps) and info.fps >= 0
            assert info.frames is None or info.frames > 0
            assert source.dropped == 0 or info.live

    def test_gives_frames_of_one_size(self, opening: OpenSource) -> None:
        with opening() as source:
            for frame in read_all(source):
                width, height = source.info.size
                assert frame.image.shape == (height, width, 3)
                assert frame.image.dtype == np.uint8
                assert frame.image.flags.c_contiguous and frame.image.flags.writeable

    def test_gives_frames_to_keep(self, opening: OpenSource) -> None:
        with opening() as source:
            frames = read_all(source)
        for one, other in itertools.pairwise(frames):
            assert not np.shares_memory(one.image, other.image)

    def test_time_goes_forward(self, opening: OpenSource) -> None:
        before = time.perf_counter()
        with opening() as source:
            times = [frame.time_s for frame in read_all(source)]
        assert all(a < b for a, b in itertools.pairwise(times))
        if source.info.live:
            assert before <= times[0] and times[-1] <= time.perf_counter()
        else:
            assert times[0] == 0

    def test_ends_if_it_is_not_live(self, opening: OpenSource) -> None:
        with opening() as source:
            frames = read_all(source)
            if not source.info.live:
                assert source.read() is None and source.read() is None
                assert source.info.frames in (None, len(frames))
                assert source.dropped == 0

    def test_a_live_one_drops_what_nobody_reads(self, opening: OpenSource) -> None:
        with opening() as source:
            assert source.read() is not None
            if source.info.live:
                time.sleep(0.3)
                before = time.perf_counter()
                frame = source.read()
                assert frame is not None and frame.time_s > before - 0.25
                assert source.dropped > 0

    def test_reads_nothing_once_closed(self, opening: OpenSource) -> None:
        with opening() as source:
            source.read()
        assert source.read() is None

    def test_closes_twice(self, opening: OpenSource) -> None:
        source = opening()
        source.close()
        dropped = source.dropped
        source.close()
        assert source.dropped == dropped


@pytest.fixture
def no_webcams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that there is no camera."""
    monkeypatch.setattr(devices, "list_cameras", list)


class TestNames:
    """What `open_source` makes of what it is given."""

    @pytest.mark.parametrize("name", ["фото 写真 ünï.png", "a photo.JPG", "10.30.webp"])
    def test_pictures_of_any_name(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / name
        path.write_bytes(cv2.imencode(path.suffix.lower(), corner_picture())[1].tobytes())
        with open_source(str(path)) as source:
            assert (source.info.name, source.info.size) == (name, SIZE)
            assert isinstance(source, Picture)

    @pytest.mark.parametrize("name", ["клип 映像 ünï.mp4", "a clip.MKV", "no ending"])
    def test_clips_of_any_name(self, tmp_path: Path, name: str) -> None:
        clip = write_clip(tmp_path / "made.mp4", [grey(0), grey(90)])
        with open_source(str(clip.rename(tmp_path / name))) as source:
            assert isinstance(source, Video)
            assert len(read_all(source)) == 2

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no colon in a name")
    def test_a_colon_is_no_protocol(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_clip(tmp_path / "made.mp4", [grey(0)]).rename(tmp_path / "http:30.mp4")
        monkeypatch.chdir(tmp_path)
        with open_source("http:30.mp4") as source:
            assert source.read() is not None

    def test_a_file_beats_a_camera(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        left = CameraDevice("left.png", "/dev/null")
        monkeypatch.setattr(devices, "list_cameras", lambda: [left])
        monkeypatch.chdir(tmp_path)
        path = tmp_path / "left.png"
        cv2.imwrite(str(path), corner_picture())
        with open_source("left.png") as source:
            assert not source.info.live

    @pytest.mark.parametrize("ending", ["mp4", "mkv", "png", "jpg", "tif", "unknown"])
    def test_text_is_refused(self, tmp_path: Path, ending: str) -> None:
        path = tmp_path / f"text.{ending}"
        path.write_text("This is neither a clip nor a picture.\n" * 100)
        with pytest.raises(UserError, match=f"cannot read .*text.{ending}: it is no"):
            open_source(str(path))

    @pytest.mark.parametrize("ending", ["mp4", "png", "jpg"])
    def test_an_empty_file_is_refused(self, tmp_path: Path, ending: str) -> None:
        path = tmp_path / f"empty.{ending}"
        path.touch()
        with pytest.raises(UserError, match=r"cannot read .*empty"):
            open_source(str(path))

    def test_a_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="is a folder: name one"):
            open_source(str(tmp_path))

    @pytest.mark.parametrize("name", ["missing.mp4", "missing.png", "no such camera", "x" * 5000])
    def test_a_missing_file_is_refused(self, name: str, no_webcams: None) -> None:
        with pytest.raises(UserError, match=f"no file and no camera is called '{name}'"):
            open_source(name)

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
    @pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root reads it all")
    @pytest.mark.parametrize("ending", ["mp4", "png"])
    def test_a_locked_file_is_refused(self, tmp_path: Path, ending: str) -> None:
        path = tmp_path / f"locked.{ending}"
        path.touch(mode=0)
        with pytest.raises(UserError, match=r"locked.*: Permission denied"):
            open_source(str(path))

    def test_sound_alone_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "sound.wav"
        with wave.open(str(path), "wb") as sound:
            sound.setparams((1, 2, 8000, 0, "NONE", ""))
            sound.writeframes(bytes(16000))
        with pytest.raises(UserError, match="there are no pictures in it"):
            open_source(str(path))
