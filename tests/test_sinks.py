"""One contract for every sink, and the opening of sinks from plain arguments."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime.arrays import Frame, Size
from realtime.errors import UserError
from realtime.planes import from_bgr
from realtime.sinks import CheckedSink, Sink, frame_rate, open_file, open_sinks
from realtime.virtual_camera import VirtualCamera
from realtime.window import Window

SIZE: Size = (64, 48)
FILES = (
    *("out.mp4", "out.mkv", "out.webm", "out.gif", "out.webp"),
    *("out.png", "out.jpg", "out%03d.png"),
)
OpenSink = Callable[[], CheckedSink]


def picture(size: Size = SIZE) -> Frame:
    width, height = size
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


class MemoryBackend:
    """A pyvirtualcam backend that needs no driver."""

    def __init__(self, **_settings: Any) -> None:
        self.received: list[Any] = []

    def send(self, frame: Any) -> None:
        self.received.append(frame.copy())

    def device(self) -> str:
        return "memory"

    def native_fourcc(self) -> None:
        return None

    def close(self) -> None:
        pass


@pytest.fixture(params=[*FILES, "virtual camera", "window"])
def open_sink(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> OpenSink:
    """Return what opens one of the sinks, each in its turn."""
    if request.param == "window":
        request.getfixturevalue("display")
        return Window
    if request.param == "virtual camera":
        camera = pytest.importorskip("pyvirtualcam.camera")
        monkeypatch.setattr(camera, "BACKENDS", {"memory": MemoryBackend})
        return lambda: VirtualCamera(SIZE, 30)
    path = tmp_path / request.param
    return lambda: _checked(open_file(path, SIZE, 30))


def _checked(sink: Sink) -> CheckedSink:
    assert isinstance(sink, CheckedSink)
    return sink


def test_takes_mosaics_of_its_size(open_sink: OpenSink) -> None:
    with open_sink() as sink:
        assert sink.name
        assert sink.size in (SIZE, None)
        for number in range(3):
            sink.send(picture(), 100 + number / 30)


def test_refuses_another_size(open_sink: OpenSink) -> None:
    with open_sink() as sink:
        if sink.size is None:
            sink.send(picture((80, 32)), 0)
            return
        with pytest.raises(ValueError, match="found a mosaic of 48x64, expected 64x48"):
            sink.send(picture((48, 64)), 0)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (picture().astype(np.float32), TypeError, "found dtype float32, expected uint8"),
        (picture()[:, :, 0], ValueError, r"found (shape|planes) \(48, 64\), expected [\[\(]"),
        (from_bgr(picture()).astype(np.int16), TypeError, "int16, expected uint8"),
        (picture().tolist(), TypeError, "found list, expected a NumPy array"),
    ],
)
def test_refuses_what_is_no_picture(
    open_sink: OpenSink, wrong: Any, error: type[Exception], message: str
) -> None:
    with open_sink() as sink, pytest.raises(error, match=message):
        sink.send(wrong, 0)


def test_takes_planes_where_it_says_so(open_sink: OpenSink) -> None:
    with open_sink() as sink:
        made = from_bgr(picture())
        if not sink.takes_planes:
            with pytest.raises(ValueError, match="found shape"):
                sink.send(made, 0)
            return
        sink.send(made, 0)
        sink.send(picture(), 0.1)
        made.flags.writeable = False
        sink.send(np.asfortranarray(made), 0.2)


def test_takes_any_memory_layout(open_sink: OpenSink) -> None:
    constant = picture()
    constant.flags.writeable = False
    with open_sink() as sink:
        sink.send(constant, 0)
        sink.send(picture()[:, ::-1], 0.1)
        sink.send(np.asfortranarray(picture()), 0.2)
        sink.send(picture((SIZE[0] * 2, SIZE[1]))[:, ::2], 0.3)


def test_close_twice_with_and_without_mosaics(open_sink: OpenSink) -> None:
    for count in (0, 1):
        sink = open_sink()
        for number in range(count):
            sink.send(picture(), number)
        sink.close()
        sink.close()


def test_send_after_close_says_so(open_sink: OpenSink) -> None:
    with open_sink() as sink:
        sink.send(picture(), 0)
    with pytest.raises(RuntimeError, match=r"send\(\) after close\(\)") as told:
        sink.send(picture(), 1)
    assert sink.name in str(told.value)


def test_closes_on_the_way_out_of_an_error(open_sink: OpenSink) -> None:
    with pytest.raises(KeyError), open_sink() as sink:
        raise KeyError
    with pytest.raises(RuntimeError):
        sink.send(picture(), 0)


@pytest.mark.parametrize(
    ("fps", "rate"),
    [
        (30, Fraction(30)),
        (29.97, Fraction(2997, 100)),
        (30 / 1.001, Fraction(30_000, 1001)),
        (0, Fraction(30)),
        (1e-9, Fraction(1, 100)),
    ],
)
def test_frame_rate(fps: float, rate: Fraction) -> None:
    assert frame_rate(fps) == rate


@pytest.mark.parametrize("name", FILES)
def test_open_file_goes_by_the_ending(tmp_path: Path, name: str) -> None:
    path = tmp_path / name.upper().replace("%03D", "%03d")
    with open_file(str(path), SIZE, 30) as sink:
        sink.send(picture(), 0)
    assert [found.stat().st_size > 0 for found in tmp_path.iterdir()] == [True]


@pytest.mark.parametrize("name", ["out.avi", "out"])
def test_open_file_names_the_endings(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"expected one of \.mp4 \.mkv \.webm \.png \.jpg"):
        open_file(tmp_path / name, SIZE, 30)
    assert not list(tmp_path.iterdir())


def test_open_sinks_opens_all(tmp_path: Path) -> None:
    names = ["a.mp4", "b.png"]
    sinks = open_sinks(size=SIZE, fps=0, record=[tmp_path / name for name in names])
    for sink in sinks:
        with sink:
            sink.send(picture(), 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_open_sinks_opens_all_or_nothing(tmp_path: Path) -> None:
    taken = tmp_path / "taken.mp4"
    taken.write_text("precious")
    with pytest.raises(UserError, match="is there already"):
        open_sinks(size=SIZE, fps=30, record=[tmp_path / "new.mp4", taken])
    assert list(tmp_path.iterdir()) == [taken]
    assert taken.read_text() == "precious"
