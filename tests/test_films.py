"""Whole runs over films that flash and beep at once: picture and sound stay together.

The mosaics are those of the shipped digits, in which white stays bright and black dark.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import pytest

from realtime import cli
from realtime.animation import ANIMATION_SUFFIXES
from realtime.arrays import Size
from realtime.video import Video
from realtime.video_file import VIDEO_SUFFIXES
from tests.clips import Sound, hear, turn_clockwise, write_film
from tests.fakes import read_all
from tests.programs import ROOT

WITH_US = {**os.environ, "PYTHONPATH": str(ROOT)}

UNEVEN = [0.0, 0.03, 0.1, 0.11, 0.19, 0.27, 0.28, 0.36]


def steady(fps: float, seconds: float = 3.0) -> list[float]:
    return [number / fps for number in range(round(seconds * fps))]


def uneven(seconds: float = 3.0) -> list[float]:
    return [turn / 2.5 + time_s for turn in range(round(2.5 * seconds)) for time_s in UNEVEN]


@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
@pytest.mark.parametrize(
    ("name", "times_s", "sound", "codec"),
    [
        ("slow.mp4", steady(11.94), Sound("aac", rate=24_000, layout="mono"), "libx264"),
        ("mp3.mp4", steady(25), Sound("libmp3lame", rate=44_100), "libx264"),
        ("film.mkv", steady(24), Sound("ac3", layout="5.1"), "libx265"),
        ("uneven.mkv", uneven(), Sound("libopus"), "libvpx-vp9"),
    ],
)
def test_picture_and_sound_stay_together(
    tmp_path: Path,
    name: str,
    times_s: Sequence[float],
    sound: Sound,
    codec: str,
    suffix: str,
) -> None:
    film = write_film(tmp_path / name, times_s, sound, size=(160, 90), codec=codec)
    before, after = hear(film), hear(mosaic_of(film, suffix))
    frame_s = max(later - sooner for sooner, later in itertools.pairwise(times_s))
    late_s = [beep - flash for flash, beep in zip(after.flashes_s, after.beeps_s, strict=True)]
    were_s = [beep - flash for flash, beep in zip(before.flashes_s, before.beeps_s, strict=True)]
    moved_ms = [1000 * (now - then) for now, then in zip(late_s, were_s, strict=True)]
    longer_ms = 1000 * (after.picture_end_s - before.picture_end_s)
    print(
        f"{name} {suffix}: sound moved {max(moved_ms, key=abs):.1f} ms, {longer_ms:.1f} ms longer"
    )
    assert len(before.flashes_s) == 4
    assert after.flashes_s == pytest.approx(before.flashes_s, abs=0.002)
    assert max(map(abs, moved_ms)) < 1000 * frame_s / 2
    assert abs(longer_ms) < 1000 * frame_s


@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
def test_a_film_turned_by_a_telephone(tmp_path: Path, suffix: str) -> None:
    film = write_film(tmp_path / "film.mp4", steady(25), Sound(), size=(160, 90), codec="libx264")
    turn_clockwise(film, 90)
    before, after = hear(film), hear(mosaic_of(film, suffix))
    assert after.flashes_s == pytest.approx(before.flashes_s, abs=0.002)
    assert after.beeps_s == pytest.approx(before.beeps_s, abs=0.02)


@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
@pytest.mark.parametrize("times_s", [uneven(), steady(11.94), steady(30_000 / 1001)])
def test_every_moment_is_kept(tmp_path: Path, times_s: Sequence[float], suffix: str) -> None:
    film = write_film(tmp_path / "film.mkv", times_s, Sound(), size=(160, 90))
    expected, found = moments_s(film), moments_s(mosaic_of(film, suffix))
    assert len(expected) == len(times_s)
    assert found == pytest.approx(expected, abs=0.0011)  # a tick of .mkv and .webm


@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
@pytest.mark.parametrize("size", [(161, 90), (160, 91), (161, 91)])
def test_odd_sizes(tmp_path: Path, size: Size, suffix: str) -> None:
    film = write_film(tmp_path / "film.mkv", steady(25), Sound(), size=size, codec="ffv1")
    before, after = hear(film), hear(mosaic_of(film, suffix))
    assert after.flashes_s == pytest.approx(before.flashes_s, abs=0.002)
    assert after.beeps_s == pytest.approx(before.beeps_s, abs=0.02)


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".webm", "opus"), (".mkv", "opus"), (".mp4", "aac")]
)
def test_a_film_from_the_web(tmp_path: Path, suffix: str, codec: str) -> None:
    sound = Sound("libopus")
    film = write_film(tmp_path / "film.webm", steady(25), sound, size=(160, 90), codec="libvpx-vp9")
    before, after = hear(film), hear(mosaic_of(film, suffix))
    assert after.flashes_s == pytest.approx(before.flashes_s, abs=0.002)
    assert after.beeps_s == pytest.approx(before.beeps_s, abs=0.02)
    assert after.codec == codec


@pytest.mark.skipif(not hasattr(cv2, "imreadanimation"), reason="needs OpenCV 4.11 to read them")
@pytest.mark.parametrize("suffix", ANIMATION_SUFFIXES)
def test_a_film_becomes_an_animation(tmp_path: Path, suffix: str) -> None:
    film = write_film(tmp_path / "film.mp4", steady(12.5), Sound(), size=(160, 90))
    found, animation = cv2.imreadanimation(str(mosaic_of(film, suffix)))
    starts_ms = itertools.accumulate(map(int, animation.durations), initial=0)
    white = [image[..., :3].mean() > 127 for image in animation.frames]
    begun = [now and not before for before, now in zip([False, *white], white, strict=False)]
    flashes_s = [start / 1000 for start, flash in zip(starts_ms, begun, strict=False) if flash]
    assert found
    assert flashes_s == pytest.approx(hear(film).flashes_s, abs=0.011)


@pytest.mark.skipif(os.name == "nt", reason="needs a terminal of Unix")
def test_a_terminal_shows_how_far_it_is(tmp_path: Path) -> None:
    import pty

    write_film(tmp_path / "film.mp4", steady(25), Sound(), size=(1280, 720))
    arguments = ["--source", "film.mp4", "--record", "out.mp4", "--no-window", "--no-settings"]
    near, far = pty.openpty()
    command = [sys.executable, "-m", "realtime", *arguments]
    with subprocess.Popen(command, cwd=tmp_path, env=WITH_US, stderr=far) as process:
        os.close(far)
        seen = b""
        with contextlib.suppress(OSError):  # how a terminal ends whose programs have gone
            while read := os.read(near, 1024):
                seen += read
    os.close(near)
    assert process.returncode == 0
    assert re.search(rb"\r\[#+-+\] +\d+%  [\d.]+ fps  0:0\d left", seen), seen
    assert seen.endswith(b"\r")


def moments_s(film: Path) -> list[float]:
    """Return when the pictures of a film are due, from the first one on."""
    with Video(film) as source:
        return [frame.time_s for frame in read_all(source)]


def mosaic_of(film: Path, suffix: str) -> Path:
    """Return the recording that the command makes of a film."""
    path = film.with_name(f"mosaic{suffix}")
    arguments = ["--source", str(film), "--record", str(path), "--no-window", "--columns", "10"]
    assert cli.main(arguments) == 0
    return path
