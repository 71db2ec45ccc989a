"""What is printed where nobody can read it: the work goes on, and no traceback is left."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from realtime import terminal
from realtime.sources import open_source

ROOT = Path(__file__).resolve().parent.parent
UNIX = pytest.mark.skipif(os.name == "nt", reason="closes and fills streams in the way of Unix")
RUN = "--source demo --no-window --no-settings --stats --frames 3 --record out.mp4"


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which `automosaic` is ours; every part of a pipe counts."""
    define = f'set -o pipefail; automosaic() {{ "{sys.executable}" -m realtime "$@"; }}; '
    return subprocess.run(
        ["bash", "-c", define + command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def frames(path: Path) -> int | None:
    with open_source(str(path)) as recording:
        return recording.info.frames


@UNIX
@pytest.mark.parametrize("wish", ["--list", "--save-settings", RUN])
def test_a_reader_that_has_seen_enough_is_no_failure_to_talk_of(wish: str, tmp_path: Path) -> None:
    done = shell(f"automosaic {wish} | true", tmp_path)
    assert (done.returncode, done.stderr) == (1, "")


@UNIX
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
class TestFull:
    """A stream whose disk is full."""

    @pytest.mark.parametrize("wish", ["--list", RUN])
    def test_stdout(self, wish: str, tmp_path: Path) -> None:
        done = shell(f"automosaic {wish} >/dev/full", tmp_path)
        line = "automosaic: standard output: No space left on device\n"
        assert (done.returncode, done.stderr) == (1, line)

    def test_stderr(self, tmp_path: Path) -> None:
        assert shell("automosaic --columns 0 2>/dev/full", tmp_path).returncode == 2


@UNIX
class TestClosed:
    """A program may be started with its standard streams closed."""

    def test_a_recording_takes_no_harm(self, tmp_path: Path) -> None:
        """Its file would be number 2, into which libraries write their warnings."""
        done = shell(f"automosaic {RUN} <&- >&- 2>&-", tmp_path)
        assert done.returncode == 1, "the statistics went nowhere"
        assert frames(tmp_path / "out.mp4") == 3

    def test_what_goes_to_stderr_does_not_go_to_stdout(self, tmp_path: Path) -> None:
        done = shell("automosaic --columns 0 2>&-", tmp_path)
        assert (done.returncode, done.stdout) == (2, "")


def test_a_line_is_one_line_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.say("cannot read \x1b[2Jpho\nto\x00 ünï.png")
    assert capsys.readouterr().err == "automosaic: cannot read ?[2Jpho to? ünï.png\n"


def test_a_line_that_is_long_keeps_its_ends(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.say(f"cannot read {'x' * 5000}: it is no picture")
    line = capsys.readouterr().err
    assert line.startswith("automosaic: cannot read x") and line.endswith("x: it is no picture\n")
    assert len(line) < 1300


def test_letters_that_stdout_does_not_know_are_spelt(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ascii(StringIO):
        """A terminal of old."""

        encoding = "ascii"

    stdout = Ascii()
    monkeypatch.setattr(sys, "stdout", stdout)
    assert terminal.answer("camera ü 一 \udcff")
    assert stdout.getvalue() == "camera \\xfc \\u4e00 \\udcff\n"


def test_a_closed_stream_is_not_written_to() -> None:
    stream = StringIO()
    stream.close()
    terminal.write(stream, "nobody reads this")
    terminal.write(None, "nor this")
