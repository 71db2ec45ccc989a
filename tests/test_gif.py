"""GIFs written as pictures come: whole at every moment, with palettes that follow the scene."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime import gif
from realtime.animation import Animation
from realtime.arrays import Frame, Size
from realtime.errors import DeviceError
from realtime.gif import GATHERED, GifEncoder
from tests import disks
from tests.programs import length_s, program, wait_for

SIZE: Size = (96, 64)
needs_reader = pytest.mark.skipif(
    not hasattr(cv2, "imreadanimation"), reason="needs OpenCV 4.11, to read animations"
)


def scene(hue: int, number: int = 0) -> Frame:
    """Return a picture of many shades of a hue, 0..179, with a bar whose place tells its number."""
    planes = np.empty((SIZE[1], SIZE[0], 3), np.uint8)
    planes[..., 0] = hue
    planes[..., 1] = np.linspace(60, 255, SIZE[0])
    planes[..., 2] = np.linspace(60, 255, SIZE[1])[:, None]
    picture = cv2.cvtColor(planes, cv2.COLOR_HSV2BGR)
    picture[:8, number % 12 * 8 : number % 12 * 8 + 8] = 255
    return np.asarray(picture, np.uint8)


def written(path: Path, encoder: GifEncoder, pictures: list[Frame]) -> list[bytes]:
    """Write pictures, 15 a second, and return what came of each, and the rest."""
    parts = [encoder.add(picture, number / 15) for number, picture in enumerate(pictures)]
    parts.append(encoder.finish())
    path.write_bytes(b"".join(parts) + encoder.end)
    return parts


def read(path: Path) -> list[Frame]:
    """Return the pictures of a GIF, BGR."""
    done, animation = cv2.imreadanimation(str(path))
    assert done
    return [np.asarray(frame[..., :3], np.uint8) for frame in animation.frames]


@needs_reader
def test_a_palette_stays_through_a_scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, choose = [], gif._palette

    def choosing(images: list[Frame], size: Size) -> gif.Colours:
        chosen.append(len(images))
        return choose(images, size)

    monkeypatch.setattr(gif, "_palette", choosing)
    encoder = GifEncoder(SIZE)
    parts = written(tmp_path / "out.gif", encoder, [scene(20, number) for number in range(40)])
    assert chosen == [GATHERED]
    # All but those that wait for their palette, and the one before, are handed out at once.
    assert parts[: GATHERED - 1] == [b""] * (GATHERED - 1)
    assert all(parts[GATHERED:])
    assert len(read(tmp_path / "out.gif")) == 40


@needs_reader
def test_another_scene_has_a_palette_of_its_own(tmp_path: Path) -> None:
    hues = [20] * 12 + [140] * 12 + [80] * 3
    pictures = [scene(hue, number) for number, hue in enumerate(hues)]
    written(tmp_path / "out.gif", GifEncoder(SIZE), pictures)
    found = read(tmp_path / "out.gif")
    assert len(found) == len(pictures)
    for number, (picture, frame) in enumerate(zip(pictures, found, strict=True)):
        error = np.abs(frame.astype(int) - picture).mean()
        assert error < 6, f"picture {number}: {error:.1f} levels"


@needs_reader
def test_is_whole_at_every_moment(tmp_path: Path) -> None:
    """Whatever was handed out, and the end, is a GIF that plays up to there."""
    encoder, content = GifEncoder(SIZE), b""
    path = tmp_path / "out.gif"
    for number in range(30):
        content += encoder.add(scene(20 if number < 15 else 140, number), number / 15)
        if content:
            path.write_bytes(content + encoder.end)
            assert len(read(path)) >= number - GATHERED
    assert len(content) > 0


def test_is_written_while_it_is_recorded(tmp_path: Path) -> None:
    with Animation(tmp_path / "out.gif", SIZE) as sink:
        for number in range(30):
            sink.send(scene(20, number), number / 15)
        # Two are still to come: the last one, and one that is on its way.
        wait_for(lambda: length_s(tmp_path / "out.gif") > 27 / 15)


def test_a_killed_one_plays(tmp_path: Path) -> None:
    path = tmp_path / "out.gif"
    with program(tmp_path, "--source", "demo", "--no-window", "--record", path.name) as process:
        wait_for(lambda: path.exists() and path.stat().st_size > 0)
        process.kill()
        process.communicate()
    assert length_s(path) > (GATHERED - 3) / 15


def test_a_full_disk_leaves_one_that_plays(tmp_path: Path) -> None:
    noise = np.random.default_rng(0)
    with disks.small(tmp_path, megabytes=8) as disk:
        sink = Animation(disk / "out.gif", (640, 360))
        with pytest.raises(DeviceError, match=r"No space left.*: the animation plays up to there"):
            for number in range(100):
                sink.send(noise.integers(0, 256, (360, 640, 3), np.uint8), number / 15)
        sink.close()
        content = (disk / "out.gif").read_bytes()
        assert len(content) > 1_000_000 and content.endswith(b";")
        assert length_s(disk / "out.gif") > 0
