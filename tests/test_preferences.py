"""The settings file: the names of the options, in TOML."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from realtime import preferences
from realtime.errors import DeviceError, UserError
from realtime.options import parse, settings_of
from realtime.preferences import load, save, settings_path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


class TestReading:
    """Options from the file, and mistakes in it."""

    def test_settings_are_as_if_given(self, file: Path) -> None:
        file.write_text(
            'tiles = "fashion"\ncolumns = 80\nvariety = 1\nsize = "640x360"\n'
            'virtual-camera = "/dev/video10"\nwindow = false\nmirror = true\ntile-size = "16"\n'
        )
        found = parse([], file)
        assert (found.tiles, found.columns, found.variety) == ("fashion", 80, 1.0)
        assert (found.size, found.virtual_camera) == ((640, 360), "/dev/video10")
        assert (found.window, found.mirror, found.tile_size) == (False, True, 16)

    def test_options_win(self, file: Path) -> None:
        file.write_text("columns = 80\nmirror = true\nvirtual-camera = true\nwindow = false\n")
        arguments = ["--columns", "40", "--no-mirror", "--no-virtual-camera", "--window"]
        found = parse(arguments, file)
        assert (found.columns, found.mirror) == (40, False)
        assert (found.virtual_camera, found.window) == (None, True)

    def test_a_virtual_camera_without_a_name(self, file: Path) -> None:
        file.write_text("virtual-camera = true\n")
        assert parse([], file).virtual_camera == ""
        file.write_text("virtual-camera = false\n")
        assert parse([], file).virtual_camera is None

    def test_none_is_fine(self, file: Path) -> None:
        assert parse([], file) == parse([])

    def test_it_can_be_ignored(self, file: Path) -> None:
        file.write_text("broken")
        assert parse(["--no-settings"], file).columns == 64

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("columns = 0", "columns: found '0', expected a whole number from 1"),
            ("columns = true", "columns: found true, expected a value"),
            ("columns = [1]", "columns: found [1], expected one number or text"),
            ("[columns]", "columns: found {}, expected one number or text"),
            ('mirror = "yes"', "mirror: found 'yes', expected true or false"),
            ('size = "big"', "size: found 'big', expected WIDTHxHEIGHT"),
            ("variety = nan", "variety: found 'nan', expected a number from 0 to 1"),
            ("colums = 3", "colums: no such setting: choose among colour, columns,"),
            ("no-window = true", "no-window: no such setting: choose among"),
            ("help = true", "help: no such setting"),
            ("record = 'a.mp4'", "record: not for every start: give it on the command line"),
            ("overwrite = true", "overwrite: not for every start"),
            ("columns = ", "no TOML"),
            ("columns = 1\ncolumns = 2", "no TOML"),
        ],
    )
    def test_mistakes_name_file_and_setting(self, file: Path, text: str, words: str) -> None:
        file.write_text(text)
        with pytest.raises(UserError) as caught:
            parse([], file)
        message = str(caught.value)
        assert message.startswith(str(file)) and "\n" not in message
        assert words in message

    def test_what_cannot_be_read_is_told(self, file: Path) -> None:
        file.write_bytes(b"columns = 1 # \xff\xfe")
        with pytest.raises(UserError, match="cannot be read"):
            load(file)
        with pytest.raises(UserError, match="cannot be read"):
            load(file.parent)

    def test_mistakes_on_the_command_line_come_first(self, file: Path) -> None:
        file.write_text("columns = 0")
        with pytest.raises(UserError, match="--variety"):
            parse(["--variety", "2"], file)


class TestSaving:
    """What is written can be read."""

    def test_round_trip(self, file: Path) -> None:
        arguments = ["--columns", "80", "--mirror", "--virtual-camera", "--size", "640x360"]
        wanted = parse([*arguments, "--no-window", "--colour", "duo:#1b2a49-#ffe9c9"])
        save(file, settings_of(wanted))
        assert parse([], file) == wanted

    def test_only_what_is_unusual_and_not_what_is_for_one_run(self) -> None:
        arguments = ["--columns", "64", "--record", "a.mp4", "--frames", "3", "--overwrite"]
        assert settings_of(parse([*arguments, "--save-settings"])) == {}

    def test_files_are_found_from_other_folders(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("clip.mp4").touch()
        Path("my set").mkdir()
        saved = settings_of(parse(["--source", "clip.mp4", "--tiles", "my set"]))
        assert saved["source"] == str(tmp_path / "clip.mp4")
        assert saved["tiles"] == str(tmp_path / "my set")
        assert settings_of(parse(["--source", "0"])) == {"source": "0"}

    @pytest.mark.parametrize(
        "text", ['C:\\new "folder"', "Käse 😀", "tab\there", "\x7f", "a\nb", "#no = comment"]
    )
    def test_any_text(self, file: Path, text: str) -> None:
        save(file, {"source": text, "columns": 3, "variety": 0.1, "mirror": True})
        assert load(file) == {"source": text, "columns": 3, "variety": 0.1, "mirror": True}

    def test_folders_are_made_and_nothing_else_is_left(self, tmp_path: Path) -> None:
        file = tmp_path / "a" / "b" / "settings.toml"
        for columns in (1, 2):
            save(file, {"columns": columns})
        assert [path.name for path in file.parent.iterdir()] == ["settings.toml"]
        assert load(file) == {"columns": 2}

    def test_a_disk_that_refuses_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "taken").touch()
        with pytest.raises(DeviceError, match="settings not saved"):
            save(tmp_path / "taken" / "settings.toml", {})


class TestPlace:
    """Where each system keeps settings."""

    @pytest.mark.parametrize(
        ("platform", "variables", "expected"),
        [
            ("linux", {"XDG_CONFIG_HOME": "/x"}, "/x/automosaics/settings.toml"),
            ("linux", {}, "~/.config/automosaics/settings.toml"),
            ("darwin", {}, "~/Library/Application Support/automosaics/settings.toml"),
            ("win32", {"APPDATA": "/a"}, "/a/automosaics/settings.toml"),
            ("win32", {}, "~/AppData/Roaming/automosaics/settings.toml"),
        ],
    )
    def test_path(
        self,
        monkeypatch: pytest.MonkeyPatch,
        platform: str,
        variables: dict[str, str],
        expected: str,
    ) -> None:
        monkeypatch.setattr(sys, "platform", platform)
        for name in ("XDG_CONFIG_HOME", "APPDATA"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert settings_path() == Path(expected).expanduser()

    def test_tests_do_not_touch_the_developers_own(self, tmp_path: Path) -> None:
        assert tmp_path in settings_path().parents
        assert os.environ["XDG_CONFIG_HOME"] == str(tmp_path / "config")
        assert preferences.settings_path is settings_path
