"""Whole runs over films that flash and beep at once: picture and sound stay together.

The mosaics are those of the shipped digits, in which white stays bright and black dark.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest

from realtime import cli
from realtime.video_file import VIDEO_SUFFIXES
from tests.clips import Sound, hear, turn_clockwise, write_film

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


def mosaic_of(film: Path, suffix: str) -> Path:
    """Return the recording that the command makes of a film."""
    path = film.with_name(f"mosaic{suffix}")
    arguments = ["--source", str(film), "--record", str(path), "--no-window", "--columns", "10"]
    assert cli.main(arguments) == 0
    return path
