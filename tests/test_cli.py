"""The command line: mistakes in one line, runs from end to end, and signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime import camera as cameras
from realtime import cli, devices, listing, preferences
from realtime.devices import CameraDevice
from realtime.errors import DeviceError
from realtime.options import parse
from realtime.preferences import settings_path
from realtime.sources import open_source
from tests.clips import corner_picture, grey, write_clip
from tests.fakes import FakeMosaicFilter, FakeSink, FakeSource
from tests.programs import HANG_S, wait_for

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="for Linux's displays and cameras")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def automosaic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Run:
    """Run a command line with a fake filter, in an empty folder, without display or camera.

    Returns the exit status and what was printed to stdout and stderr.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "MosaicFilter", FakeMosaicFilter)
    monkeypatch.setattr(listing, "MosaicFilter", FakeMosaicFilter)
    monkeypatch.setattr(devices, "list_cameras", list)
    monkeypatch.setattr(FakeMosaicFilter, "loaded", [])
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        status = cli.main(arguments)
        return (status, *capfd.readouterr())

    return run


@pytest.fixture
def picture(tmp_path: Path) -> str:
    """Return the name of a picture in the folder."""
    cv2.imwrite(str(tmp_path / "photo.png"), corner_picture())
    return "photo.png"


@pytest.fixture
def clip(tmp_path: Path) -> str:
    """Return the name of a clip in the folder: 10 frames of 0.04 s."""
    write_clip(tmp_path / "clip.mp4", [grey(20 * n) for n in range(10)])
    return "clip.mp4"


class TestMistakes:
    """Every mistake costs one line, says what is expected, and ends with status 2."""

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--columns", "0"], "--columns: found '0', expected a whole number from 1"),
            (["--columns", "many"], "--columns: found 'many', expected a whole number"),
            (["--columns", "-5"], "--columns: found '-5'"),
            (["--columns", "2.5"], "--columns: found '2.5'"),
            (["--tile-size", "0"], "--tile-size: found '0', expected a whole number from 4"),
            (["--size", "0x0"], "--size: found '0x0', expected WIDTHxHEIGHT such as 1280x720"),
            (["--size", "1280"], "--size: found '1280', expected WIDTHxHEIGHT"),
            (["--size", "99999x9"], "--size: found '99999x9'"),
            (["--variety", "nan"], "--variety: found 'nan', expected a number from 0 to 1"),
            (["--variety", "1.5"], "--variety: found '1.5'"),
            (["--stability", "-0.1"], "--stability: found '-0.1'"),
            (["--seconds", "nan"], "--seconds: found 'nan', expected a number above 0"),
            (["--seconds", "-1"], "--seconds: found '-1', expected a number above 0"),
            (["--seconds", "inf"], "--seconds: found 'inf', expected a number above 0"),
            (["--frames", "0"], "--frames: found '0', expected a whole number from 1"),
            (["--fps", "0"], "--fps: found '0', expected a number from 1 to 240"),
            (["--fps", "inf"], "--fps: found 'inf', expected a number from 1 to 240"),
            (["--source", ""], "--source: found '', expected a name"),
            (["--record", ""], "--record: found '', expected a name"),
            (["--sauce", "demo"], "arguments: --sauce demo: did you mean --source? (see --help)"),
            (["--colums=80"], "unrecognized arguments: --colums=80: did you mean --columns?"),
            (["--quack"], "unrecognized arguments: --quack (see --help)"),
            (["photo.jpg"], "arguments: photo.jpg: for a source, pass --source photo.jpg"),
            (["--columns"], "--columns: expected one argument"),
            (["--no-window"], "leaves nothing to do: add --record FILE"),
            (["--source", "missing.mp4"], "no file and no camera is called 'missing.mp4'"),
            (["--source", "."], "is a folder: name one picture or clip in it"),
            (["--source", "demo", "--record", "out.doc"], "out.doc"),
            (["--source", "demo", "--record", "nowhere/out.mp4"], "nowhere"),
            (["--source", "demo", "--columns", "999", "--record", "a.mp4"], "columns: found too"),
        ],
    )
    def test_one_line(self, automosaic: Run, arguments: list[str], words: str) -> None:
        status, out, err = automosaic(*arguments)
        assert status == 2
        assert out == ""
        assert err.startswith("automosaic: ") and err.count("\n") == 1
        assert words in err

    def test_a_recording_is_not_overwritten(
        self, automosaic: Run, picture: str, tmp_path: Path
    ) -> None:
        (tmp_path / "out.png").write_text("dear to me")
        status, _, err = automosaic("--source", picture, "--record", "out.png")
        assert (status, err.count("\n")) == (2, 1)
        assert "out.png" in err and "--overwrite" in err
        assert (tmp_path / "out.png").read_text() == "dear to me"
        assert automosaic("--source", picture, "--record", "out.png", "--overwrite")[0] == 0
        assert cv2.imread(str(tmp_path / "out.png")) is not None

    def test_a_recording_does_not_eat_its_source(
        self, automosaic: Run, clip: str, tmp_path: Path
    ) -> None:
        before = (tmp_path / clip).read_bytes()
        status, _, err = automosaic("--source", clip, "--record", f"./{clip}", "--overwrite")
        assert (status, err.count("\n")) == (2, 1)
        assert "is the source itself" in err
        assert (tmp_path / clip).read_bytes() == before

    def test_a_second_sink_that_cannot_open_leaves_nothing(
        self, automosaic: Run, picture: str, tmp_path: Path
    ) -> None:
        arguments = ["--source", picture, "--record", "a.mp4", "--record", "nowhere/b.mp4"]
        assert automosaic(*arguments)[0] == 2
        assert not (tmp_path / "a.mp4").exists()


class TestDevices:
    """Failing devices cost one line and status 1."""

    @LINUX
    def test_no_camera(self, automosaic: Run) -> None:
        status, _, err = automosaic()
        assert (status, err.count("\n")) == (1, 1)
        assert "no camera found" in err and "--source demo" in err

    @LINUX
    def test_no_display(self, automosaic: Run) -> None:
        status, _, err = automosaic("--source", "demo")
        assert (status, err.count("\n")) == (1, 1)
        assert all(word in err for word in ("--record", "--virtual-camera", "DISPLAY"))

    @LINUX
    def test_no_display_does_not_matter_to_a_recording(self, automosaic: Run, picture: str) -> None:
        status, _, err = automosaic("--source", picture, "--record", "out.png")
        assert status == 0
        assert err == "automosaic: no preview: no display to open a window on\n"
        assert automosaic("--source", picture, "--record", "b.png", "--no-window")[2] == ""

    def test_a_camera_that_goes_away(
        self, automosaic: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        times = [n / 100 for n in range(20)]
        monkeypatch.setattr(
            cli, "open_source", lambda *_args, **_options: FakeSource(times, live=True, fails=True)
        )
        status, out, err = automosaic("--record", "out.mp4", "--no-window", "--stats")
        assert (status, err) == (1, "automosaic: fake: gone: plug it in\n")
        assert json.loads(out)["failures"] == ["fake: gone: plug it in"]
        with open_source(str(tmp_path / "out.mp4")) as recording:
            assert recording.info.frames == json.loads(out)["frames"] == 20

    def test_a_sink_that_fails(self, automosaic: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        sinks = [FakeSink("a", fails_after=1), FakeSink("b")]
        monkeypatch.setattr(cli, "open_sinks", lambda **found: sinks if "record" in found else [])
        arguments = ["--source", "demo", "--record", "a", "--record", "b", "--no-window"]
        status, _, err = automosaic(*arguments, "--frames", "4")
        assert (status, err) == (1, "automosaic: a: the disk is full\n")
        assert (len(sinks[0].sent), len(sinks[1].sent)) == (1, 4)


class TestRuns:
    """From a source to files, with statistics."""

    def test_a_picture(self, automosaic: Run, picture: str, tmp_path: Path) -> None:
        arguments = [
            "--source",
            picture,
            "--record",
            "out.png",
            "--no-window",
            "--stability",
            "0.9",
        ]
        assert automosaic(*arguments) == (0, "", "")
        mosaic = cv2.imread(str(tmp_path / "out.png"))
        assert mosaic is not None
        np.testing.assert_array_equal(mosaic, cv2.resize(corner_picture(), (8, 6)))
        assert FakeMosaicFilter.loaded[0].asked["stabilise"] is False

    def test_a_clip(self, automosaic: Run, clip: str, tmp_path: Path) -> None:
        arguments = ["--source", clip, "--record", "out.mkv", "--record", "out.mp4", "--no-window"]
        status, out, err = automosaic(*arguments, "--stats")
        assert (status, err) == (0, "")
        found = json.loads(out)
        assert (found["frames"], found["captured"], found["dropped"]) == (10, 10, 0)
        assert found["startup_ms"] > 0
        for name in ("out.mkv", "out.mp4"):
            with open_source(str(tmp_path / name)) as recording:
                times = []
                while (frame := recording.read()) is not None:
                    times.append(round(frame.time_s, 2))
            assert times == [round(0.04 * n, 2) for n in range(10)]

    def test_limits(self, automosaic: Run, clip: str) -> None:
        base = ["--source", clip, "--no-window", "--stats"]
        assert json.loads(automosaic(*base, "--frames", "3")[1])["frames"] == 3
        assert json.loads(automosaic(*base, "--seconds", "0.2")[1])["frames"] == 5

    def test_settings_reach_the_filter(self, automosaic: Run, clip: str) -> None:
        automosaic(
            *["--source", clip, "--no-window", "--stats", "--frames", "1", "--tiles", "fashion"],
            *["--columns", "80", "--tile-size", "16", "--size", "640x360", "--colour", "tint"],
            *["--variety", "0.25", "--stability", "0.75", "--provider", "cpu"],
        )
        loaded = FakeMosaicFilter.loaded[0]
        assert loaded.asked == {
            "tiles": "fashion",
            "columns": 80,
            "tile_size": 16,
            "colour": "tint",
            "variety": 0.25,
            "stabilise": True,
            "providers": ["cpu"],
            "size": (640, 360),
        }
        assert loaded.stability == 0.75

    def test_left_out_settings_are_left_to_the_filter(self, automosaic: Run, clip: str) -> None:
        automosaic("--source", clip, "--no-window", "--stats", "--frames", "1")
        asked = FakeMosaicFilter.loaded[0].asked
        assert (asked["providers"], asked["size"], asked["tile_size"]) == (None, None, None)

    def test_a_virtual_camera_gets_the_even_size_of_the_source(
        self, automosaic: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[dict[str, object]] = []

        def open_sinks(**found: object) -> list[FakeSink]:
            asked.append(found)
            return [FakeSink()] if found.get("virtual_camera") is not None else []

        monkeypatch.setattr(cli, "open_sinks", open_sinks)
        cv2.imwrite(str(tmp_path / "odd.png"), corner_picture((101, 75)))
        arguments = ["--source", "odd.png", "--no-window", "--seconds", "0.1"]
        assert automosaic(*arguments, "--virtual-camera")[0] == 0
        assert FakeMosaicFilter.loaded[0].asked["size"] == (100, 74)
        assert asked[0]["virtual_camera"] == ""
        automosaic(*arguments, "--virtual-camera", "/dev/video10")
        assert asked[2]["virtual_camera"] == "/dev/video10"

    def test_a_window(
        self,
        automosaic: Run,
        display: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("DISPLAY", display)
        assert automosaic("--source", "demo", "--frames", "3", "--mirror") == (0, "", "")

    @LINUX
    def test_auto_writes_a_film_where_nothing_can_be_shown(
        self, automosaic: Run, tmp_path: Path
    ) -> None:
        for name in ("demo.mp4", "demo-2.mp4"):
            status, out, err = automosaic("--source", "auto", "--frames", "3")
            assert (status, out) == (0, "")
            assert err.splitlines() == [
                "automosaic: no camera found: showing the demo instead",
                f"automosaic: no display to open a window on: writing {name} instead",
            ]
            assert (tmp_path / name).stat().st_size > 0

    @LINUX
    def test_auto_respects_what_was_asked_for(self, automosaic: Run, tmp_path: Path) -> None:
        automosaic("--source", "auto", "--frames", "3", "--record", "mine.mp4")
        automosaic("--source", "auto", "--frames", "3", "--no-window", "--stats")
        assert not (tmp_path / "demo.mp4").exists()

    def test_auto_prefers_a_camera(self, automosaic: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        camera = CameraDevice("HD Webcam", "/dev/null")
        monkeypatch.setattr(devices, "list_cameras", lambda: [camera])

        def open_camera(device: CameraDevice, *_: object, **_options: object) -> FakeSource:
            assert device == camera
            return FakeSource([0.0, 0.01], live=True)

        monkeypatch.setattr(cameras, "open_camera", open_camera)
        status, out, err = automosaic("--source", "auto", "--no-window", "--stats")
        assert (status, err, json.loads(out)["source"]) == (0, "", "fake")

    def test_auto_turns_from_a_camera_that_does_not_open(
        self, automosaic: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(devices, "list_cameras", lambda: [CameraDevice("Cam", "/dev/null")])

        def open_camera(device: CameraDevice, *_: object, **_options: object) -> FakeSource:
            raise DeviceError(f"cannot open {device.name}: close other programs")

        monkeypatch.setattr(cameras, "open_camera", open_camera)
        arguments = ["--source", "auto", "--no-window", "--stats", "--frames", "1"]
        status, out, err = automosaic(*arguments)
        assert err == "automosaic: cannot open Cam: showing the demo instead\n"
        assert (status, json.loads(out)["source"]) == (0, "demo")


class TestSettings:
    """The settings file, under the options of the command line."""

    BASE = ("--source", "demo", "--no-window", "--stats", "--frames", "1")

    def test_are_saved_and_used_and_can_be_overruled(self, automosaic: Run) -> None:
        path = settings_path()
        status, out, err = automosaic("--columns", "80", "--colour", "tint", "--save-settings")
        assert (status, out, err) == (0, f"saved to {path}: colour, columns\n", "")
        assert FakeMosaicFilter.loaded == [], "it ends there"
        automosaic(*self.BASE)
        automosaic(*self.BASE, "--columns", "32")
        automosaic(*self.BASE, "--no-settings")
        asked = [loaded.asked for loaded in FakeMosaicFilter.loaded]
        assert [(each["columns"], each["colour"]) for each in asked] == [
            *((80, "tint"), (32, "tint"), (64, "mono")),
        ]

    def test_saving_again_keeps_what_is_not_named(self, automosaic: Run) -> None:
        automosaic("--columns", "80", "--save-settings")
        automosaic("--mirror", "--save-settings")
        assert preferences.load(settings_path()) == {"columns": 80, "mirror": True}
        _, out, _ = automosaic("--no-settings", "--save-settings")
        assert "nothing but what is usual" in out
        assert preferences.load(settings_path()) == {}

    def test_a_mistake_names_file_and_setting(self, automosaic: Run) -> None:
        path = settings_path()
        path.parent.mkdir(parents=True)
        path.write_text("columns = 0")
        status, out, err = automosaic(*self.BASE)
        expected = f"automosaic: {path}: columns: found '0', expected a whole number from 1 to 1024"
        assert (status, out, err) == (2, "", f"{expected}\n")
        assert automosaic(*self.BASE, "--no-settings")[0] == 0

    def test_keys_can_keep_what_they_changed(self) -> None:
        preferences.save(settings_path(), {"source": "demo", "columns": 32})
        assert cli._keep_settings({"columns": 80, "mirror": True}) == str(settings_path())
        expected = {"source": "demo", "columns": 80, "mirror": True}
        assert preferences.load(settings_path()) == expected


class TestPrinting:
    """Help, version and the list."""

    @pytest.mark.parametrize("option", ["--help", "--version"])
    def test_help(self, automosaic: Run, option: str, capfd: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as caught:
            automosaic(option)
        assert caught.value.code == 0
        assert "automosaic" in capfd.readouterr().out

    def test_every_option_is_explained(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            parse(["--help"])
        text = capsys.readouterr().out
        for option in ("--source", "--virtual-camera", "--record", "--no-window", "--tiles"):
            assert option in text
        assert "%" not in text.replace("%04d", "")

    def test_list_with_nothing_plugged_in(self, automosaic: Run) -> None:
        status, out, err = automosaic("--list")
        assert (status, err) == (0, "")
        headings = [line for line in out.splitlines() if not line.startswith(" ")]
        assert headings == ["cameras:", "virtual cameras:", "tile sets:", "providers:"]
        assert "  digits\n" in out and "  cpu\n" in out

    def test_list_names_cameras(self, automosaic: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        camera = CameraDevice("HD Webcam", "/dev/video2")
        monkeypatch.setattr(listing, "list_cameras", lambda: [camera])
        assert "  HD Webcam (/dev/video2)\n" in automosaic("--list")[1]


_PROGRAM = """
import sys
from tests.fakes import FakeMosaicFilter
from realtime import cli
cli.MosaicFilter = FakeMosaicFilter
sys.exit(cli.main())
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
class TestSignals:
    """Ctrl-C and SIGTERM are wishes to end, not accidents."""

    @pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
    def test_end_cleanly(self, name: str, tmp_path: Path) -> None:
        with _started("--record", "out.mp4", cwd=tmp_path) as process:
            wait_for((tmp_path / "out.mp4").exists)
            time.sleep(0.3)
            process.send_signal(getattr(signal, name))
            out, err = process.communicate(timeout=HANG_S)
        assert (process.returncode, err) == (0, "")
        with open_source(str(tmp_path / "out.mp4")) as recording:
            assert recording.info.frames == json.loads(out)["frames"] > 0


def _started(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    tests = Path(__file__).parent
    path = os.pathsep.join((str(tests), str(tests.parent)))
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, "--source", "demo", "--no-window", "--stats", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
