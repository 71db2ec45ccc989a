"""The sound of a clip in its recording: in its place, copied where it can be, cut with the picture.

Films that flash and beep at once show how far sound and picture are apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from realtime.planes import from_bgr
from realtime.recording import Recording
from realtime.sources import open_source
from realtime.video_file import FORMATS, VIDEO_SUFFIXES, VideoFile
from tests.clips import (
    FLASH_EVERY_S,
    Heard,
    Sound,
    grey,
    hear,
    turn_clockwise,
    write_clip,
    write_film,
)

SMOOTH = [number / 25 for number in range(75)]
FRAME_S = 0.04
APART_S = 0.02
"""How far a beep may be from where it was: half a frame."""


def record(
    clip: Path, name: str = "out.mp4", frames: int | None = None, told: list[str] | None = None
) -> Path:
    """Pass a clip, or the first frames of it, through a recording."""
    path = clip.with_name(name)
    lines: list[str] = []
    with open_source(str(clip)) as source:
        info = source.info
        with Recording(
            path, info.size, info.fps, sound=source.sound, report=lines.append
        ) as recording:
            while recording.frames != frames and (frame := source.read()) is not None:
                recording.send(frame.image, frame.time_s)
    assert lines == (told or [])
    return path


def assert_same(found: Heard, expected: Heard, apart_s: float = APART_S) -> None:
    """Check that all is seen and heard at its moment."""
    assert found.flashes_s == pytest.approx(expected.flashes_s, abs=0.002)
    assert found.beeps_s == pytest.approx(expected.beeps_s, abs=apart_s)
    assert found.picture_end_s == pytest.approx(expected.picture_end_s, abs=1.1 * FRAME_S)


def _packets(path: Path) -> list[bytes]:
    """Return the sound of a film as it is stored."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio[0])]


def _damage(path: Path, first: int, last: int) -> int:
    """Overwrite some packets of the sound, and return how many do not decode any more."""
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(audio=0) if p.pos is not None]
    content = bytearray(path.read_bytes())
    noise = np.random.default_rng(0)
    for position, size in packets[first:last]:
        content[position : position + size] = noise.bytes(size)
    path.write_bytes(content)
    damaged = 0
    with av.open(str(path)) as container:
        for packet in container.demux(audio=0):
            try:
                packet.decode()
            except av.FFmpegError:
                damaged += 1
    assert damaged > 1
    return damaged


@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
@pytest.mark.parametrize(
    ("name", "sound"),
    [
        ("aac.mp4", Sound("aac")),
        ("mono.mp4", Sound("aac", rate=24_000, layout="mono")),
        ("film.mp4", Sound("aac", layout="5.1")),
        ("mp3.mp4", Sound("libmp3lame", rate=44_100)),
        ("ac3.mkv", Sound("ac3", layout="5.1")),
        ("opus.mkv", Sound("libopus")),
        ("pcm.mkv", Sound("pcm_s16le", rate=22_050, layout="mono")),
        ("flac.mkv", Sound("flac", rate=96_000)),
        ("broadcast.ts", Sound("aac")),
        ("old.avi", Sound("libmp3lame")),
    ],
)
def test_keeps_time(tmp_path: Path, name: str, sound: Sound, suffix: str) -> None:
    clip = write_film(tmp_path / name, SMOOTH, sound)
    source, found = hear(clip), hear(record(clip, f"out{suffix}"))
    assert len(source.flashes_s) == len(source.beeps_s) == 4
    assert_same(found, source)
    assert found.channels == source.channels
    assert found.sound_s == pytest.approx(source.sound_s, abs=0.05)


@pytest.mark.parametrize(
    ("codec", "name", "expected"),
    [
        ("aac", "out.mp4", "aac"),
        ("aac", "out.mkv", "aac"),
        ("aac", "out.webm", "opus"),
        ("libmp3lame", "out.mp4", "mp3"),
        ("libopus", "out.mp4", "aac"),
        ("libopus", "out.mkv", "opus"),
        ("libopus", "out.webm", "opus"),
        ("pcm_s16le", "out.mp4", "aac"),
        ("pcm_s16le", "out.mkv", "pcm_s16le"),
        ("flac", "out.webm", "opus"),
    ],
)
def test_copies_what_players_know(tmp_path: Path, codec: str, name: str, expected: str) -> None:
    clip = write_film(tmp_path / "clip.mkv", SMOOTH, Sound(codec))
    assert hear(record(clip, name)).codec == expected


def test_a_copy_is_the_same_to_the_bit(tmp_path: Path) -> None:
    clip = write_film(tmp_path / "clip.mp4", SMOOTH, Sound("aac"))
    assert _packets(record(clip)) == _packets(clip)


@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
@pytest.mark.parametrize("start_s", [-0.25, 0.3, 1.0])
def test_keeps_its_place_against_the_picture(tmp_path: Path, start_s: float, suffix: str) -> None:
    clip = write_film(tmp_path / "clip.mkv", SMOOTH, Sound(start_s=start_s))
    found = hear(record(clip, f"out{suffix}"))
    assert_same(found, hear(clip))
    # What comes before the first picture is left out.
    assert found.sound_s[0] >= -0.15


@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
@pytest.mark.parametrize("frames", [1, 40])
def test_is_cut_with_the_picture(tmp_path: Path, suffix: str, frames: int) -> None:
    clip = write_film(tmp_path / "clip.mp4", SMOOTH, Sound())
    found = hear(record(clip, f"out{suffix}", frames=frames))
    assert found.picture_end_s == pytest.approx(frames / 25, abs=0.002)
    assert found.sound_s[1] == pytest.approx(frames / 25, abs=FRAME_S)
    assert len(found.beeps_s) == len(found.flashes_s) == int(frames / 25 / FLASH_EVERY_S)


@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
def test_that_goes_on_after_the_picture_is_kept_whole(tmp_path: Path, suffix: str) -> None:
    clip = write_film(tmp_path / "clip.mkv", SMOOTH, Sound(end_s=5.0))
    found = hear(record(clip, f"out{suffix}"))
    assert found.sound_s[1] == pytest.approx(5.0, abs=0.05)
    assert len(found.beeps_s) == 7


@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
def test_that_ends_before_the_picture_ends_there(tmp_path: Path, suffix: str) -> None:
    clip = write_film(tmp_path / "clip.mkv", SMOOTH, Sound(end_s=1.0))
    found = hear(record(clip, f"out{suffix}"))
    assert found.sound_s[1] == pytest.approx(1.0, abs=0.05)
    assert (len(found.beeps_s), len(found.flashes_s)) == (1, 4)


@pytest.mark.parametrize(
    "times_s",
    [
        [number / 11.94 for number in range(36)],
        [number * 1001 / 30_000 for number in range(90)],
        np.cumsum(np.random.default_rng(1).uniform(0.01, 0.12, 48)).tolist(),
    ],
)
def test_any_rate(tmp_path: Path, times_s: Sequence[float]) -> None:
    times_s = [time_s - times_s[0] for time_s in times_s]
    clip = write_film(tmp_path / "clip.mkv", times_s, Sound())
    found, source = hear(record(clip)), hear(clip)
    assert found.flashes_s == pytest.approx(source.flashes_s, abs=0.002)
    assert found.beeps_s == pytest.approx(source.beeps_s, abs=APART_S)


@pytest.mark.parametrize("codec", ["libx265", "libx264", "libvpx-vp9"])
def test_any_picture(tmp_path: Path, codec: str) -> None:
    clip = write_film(tmp_path / "clip.mkv", SMOOTH, Sound(), codec=codec)
    assert_same(hear(record(clip)), hear(clip))


def test_odd_sizes_and_turned_pictures(tmp_path: Path) -> None:
    clip = write_film(tmp_path / "clip.mp4", SMOOTH, Sound(), size=(66, 50))
    turn_clockwise(clip, 90)
    with open_source(str(clip)) as source:
        assert source.info.size == (50, 66)
    assert_same(hear(record(clip)), hear(clip))


def test_the_default_track_is_chosen_else_the_first(tmp_path: Path) -> None:
    low, high = Sound(hz=400.0, default=False), Sound(hz=1600.0)
    clip = write_film(tmp_path / "default.mkv", SMOOTH, low, high)
    assert hear(record(clip)).hz == pytest.approx(1600, rel=0.2)
    clip = write_film(tmp_path / "first.avi", SMOOTH, Sound("mp3", hz=400.0), Sound("mp3", hz=1600))
    assert hear(record(clip, "first.mp4")).hz == pytest.approx(400, rel=0.2)


def test_without_sound_there_is_none(tmp_path: Path) -> None:
    clip = write_film(tmp_path / "clip.mp4", SMOOTH)
    with open_source(str(clip)) as source:
        assert source.sound is None
    record(clip)


@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
@pytest.mark.parametrize(
    "sound", [Sound(), Sound(end_s=0.5), Sound(start_s=1.0), Sound(start_s=60.0, end_s=61.0)]
)
def test_what_a_kill_leaves_plays(tmp_path: Path, suffix: str, sound: Sound) -> None:
    clip = write_film(tmp_path / "clip.mkv", SMOOTH, sound)
    path, left = tmp_path / f"out{suffix}", tmp_path / f"left{suffix}"
    with open_source(str(clip)) as source, path.open("wb", buffering=0) as file:
        video = VideoFile(file, FORMATS[suffix], (64, 48), 25)
        assert source.sound is not None
        video.add_sound(source.sound)
        for number in range(len(SMOOTH)):
            planes = from_bgr(grey(0))
            video.write(planes, round(number / 25 * FORMATS[suffix].ticks_per_s))
        left.write_bytes(path.read_bytes())
        video.abandon()
    pictures, sounds = _seconds(left)
    # Within a fragment of half a second, and what its frames say of their length.
    assert pictures >= SMOOTH[-1] - 0.6
    assert sounds >= min(SMOOTH[-1], sound.end_s or 60) - sound.start_s - 0.7


def _seconds(path: Path) -> tuple[float, float]:
    """Return for how long there are pictures and sound that can be decoded."""
    seconds = [0.0, 0.0]
    with av.open(str(path)) as container:
        for frame in container.decode():
            if isinstance(frame, av.AudioFrame):
                seconds[1] += frame.samples / frame.sample_rate
            else:
                seconds[0] += 1 / 25
    return seconds[0], seconds[1]


@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
def test_what_is_damaged_is_left_out_and_told(tmp_path: Path, suffix: str) -> None:
    clip = write_film(tmp_path / "clip.mp4", SMOOTH, Sound())
    expected = hear(clip)
    count = _damage(clip, 20, 25)
    out = tmp_path / f"out{suffix}"
    path = record(clip, out.name, told=[f"{out}: {count} damaged pieces of the sound left out"])
    assert_same(hear(path), expected)


def test_that_is_damaged_all_over_is_left_out_and_told(tmp_path: Path) -> None:
    clip = write_film(tmp_path / "clip.mp4", SMOOTH, Sound())
    _damage(clip, 0, 10_000)
    out = tmp_path / "out.mp4"
    record(clip, told=[f"{out} gets no sound: {clip}: no sound in it can be decoded"])
    with open_source(str(out)) as recording:
        assert (recording.sound, recording.info.frames) == (None, len(SMOOTH))


def test_a_clip_that_vanishes_is_recorded_without_sound(tmp_path: Path) -> None:
    clip = write_film(tmp_path / "clip.mp4", SMOOTH, Sound())
    out = tmp_path / "out.mp4"
    lines: list[str] = []
    with open_source(str(clip)) as source:
        clip.rename(tmp_path / "elsewhere.mp4")
        with Recording(out, (64, 48), 25, sound=source.sound, report=lines.append) as recording:
            recording.send(source.read().image, 0)  # type: ignore[union-attr]
    assert lines == [f"{out} gets no sound: {clip}: No such file or directory"]


def test_a_picture_alone_may_be_made_of_a_clip_with_sound(tmp_path: Path) -> None:
    write_clip(tmp_path / "silent.mp4", [np.zeros((48, 64, 3), np.uint8)])
    with open_source(str(tmp_path / "silent.mp4")) as source:
        assert source.sound is None
