"""The keys: what each changes, and that the help tells of all of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime import colour as colours
from realtime.arrays import Size
from realtime.captures import Captures
from realtime.controls import Controls
from realtime.errors import UserError
from realtime.outputs import Outputs
from realtime.preview import Shown
from realtime.view import View
from tests.fakes import FakeExplorer, FakeFilter, FakeMosaic, FakeSink, FakeWindow, plain

SIZE: Size = (1280, 720)


class Desk:
    """Controls with everything that they control.

    Args:
        folder: for files made by keys.
        tile_sets: to choose from.
    """

    def __init__(self, folder: Path, tile_sets: tuple[str, ...] = ("fake", "other")) -> None:
        self.filter = FakeFilter()
        self.filter.columns = 64
        self.window = FakeWindow()
        self.told: list[str] = []
        self.outputs = Outputs(window=self.window, report=self.told.append)
        self.view = View()
        self.explorer = FakeExplorer()
        self.kept: dict[str, object] = {}
        self.controls = Controls(
            self.filter,
            self.outputs,
            self.view,
            tile_sets=tile_sets,
            explorer=self.explorer,
            captures=Captures(self.outputs, folder),
            keep=self.keep,
        )
        self.controls.saw(Shown(plain(1, SIZE), FakeMosaic(plain(7, SIZE), 20), False, 0.0))

    def keep(self, values: dict[str, object]) -> str:
        self.kept = values
        return "settings.toml"

    def press(self, *keys: str) -> None:
        for key in keys:
            self.controls.press(ord(key))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


class TestMosaic:
    """Keys that make another mosaic."""

    def test_more_and_fewer_tiles(self, desk: Desk) -> None:
        desk.filter.wanted_tile_size = 20
        desk.press("+")
        assert desk.filter.columns > 64
        assert desk.filter.wanted_tile_size is None
        assert desk.controls.size == SIZE, "the mosaic keeps its size"
        desk.press("-", "-")
        assert desk.filter.columns < 64
        assert desk.controls.changes == 3

    def test_the_slider(self, desk: Desk) -> None:
        desk.view.slid_to = 100
        desk.controls.listen()
        assert desk.filter.columns == 100
        desk.filter.columns = 50
        desk.controls.listen()
        assert desk.filter.columns == 50, "it is answered once"

    def test_never_more_tiles_than_pixels(self, desk: Desk) -> None:
        desk.controls.saw(Shown(plain(1, (60, 40)), FakeMosaic(plain(7, SIZE), 20), False, 0.0))
        desk.view.slid_to = 256
        desk.controls.listen()
        assert desk.filter.columns <= 60

    def test_what_was_asked_for_may_lie_beyond_the_slider(self, desk: Desk) -> None:
        desk.filter.columns = 400
        desk.press("+")
        assert desk.filter.columns == 400
        desk.press("-")
        assert 320 <= desk.filter.columns < 400

    def test_tile_sets_in_turn(self, desk: Desk) -> None:
        desk.press("t")
        assert desk.filter.tile_set == "other"
        desk.press("t")
        assert desk.filter.tile_set == "fake"

    def test_a_single_tile_set(self, tmp_path: Path) -> None:
        desk = Desk(tmp_path, tile_sets=("fake",))
        desk.press("t")
        assert desk.view.notice == "there is one tile set: fake"

    def test_a_tile_set_that_is_broken_is_told(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Broken(FakeFilter):
            """Cannot load any other tile set."""

            def __setattr__(self, name: str, value: object) -> None:
                if name == "tile_set" and value == "other":
                    raise UserError("other: incomplete")
                super().__setattr__(name, value)

        monkeypatch.setattr(desk.controls._tuning, "_filter", Broken())
        desk.press("t")
        assert desk.view.notice == "other: incomplete"
        assert not desk.controls.quit

    def test_colours_in_turn(self, desk: Desk) -> None:
        seen = {desk.filter.colour}
        for _ in colours.MODES:
            desk.press("c")
            seen.add(desk.filter.colour)
        assert {"mono", "tint", "duo"} <= seen

    def test_a_colour_of_ones_own_is_among_them(self, tmp_path: Path) -> None:
        desk = Desk(tmp_path)
        desk.filter.colour = "duo:#000000-#ffffff"
        controls = Controls(desk.filter, desk.outputs, desk.view)
        for _ in colours.MODES:
            controls.press(ord("c"))
        assert desk.filter.colour == "duo:#000000-#ffffff"

    def test_variety_and_stability(self, desk: Desk) -> None:
        desk.press("v", "S", "S")
        assert (desk.filter.variety, desk.filter.stability) == (0.6, 0.3)
        desk.press(*"vvvvvvvv", *"SSSSSSS")
        assert (desk.filter.variety, desk.filter.stability) == (1.0, 0.0)
        assert desk.view.notice == "stability: 0.0"


class TestView:
    """Keys that change only what the window shows."""

    def test_switches(self, desk: Desk) -> None:
        desk.press("m", " ", "o", "h", "i", "f")
        view = desk.view
        assert (view.mirror, view.frozen, view.compare, view.help) == (True,) * 4
        assert (view.figures, view.fullscreen, desk.window.fullscreen) == (False, True, True)
        desk.press("M", " ", "O", "H", "I", "F")
        assert (view.mirror, view.frozen, view.compare, view.help) == (False,) * 4
        assert (view.figures, view.fullscreen, desk.window.fullscreen) == (True, False, False)

    def test_the_explorer(self, desk: Desk) -> None:
        desk.press("e")
        assert desk.explorer.is_open and desk.view.explore
        desk.press("e")
        assert not desk.explorer.is_open and not desk.view.explore
        desk.press("e")
        desk.explorer.close()
        desk.controls.listen()
        assert not desk.view.explore, "closed by hand"

    def test_escape_leaves_the_full_screen_first(self, desk: Desk) -> None:
        desk.press("f", "\x1b")
        assert not desk.window.fullscreen and not desk.controls.quit
        desk.press("\x1b")
        assert desk.controls.quit

    def test_q_quits_at_once(self, desk: Desk) -> None:
        desk.press("f", "q")
        assert desk.controls.quit

    def test_a_picture_is_not_left_frozen_without_a_window(self) -> None:
        controls = Controls(FakeFilter(), Outputs(), View(frozen=True))
        controls.listen()
        assert not controls.view.frozen


class TestFiles:
    """Keys that make files."""

    def test_a_picture(self, desk: Desk, tmp_path: Path) -> None:
        desk.press("p", "p")
        files = sorted(tmp_path.glob("automosaic-*.png"))
        assert len(files) == 2, "also twice in the same second"
        mosaic = cv2.imread(str(files[0]))
        assert mosaic is not None and mosaic.shape == (720, 1280, 3) and (mosaic == 7).all()
        assert "automosaic-" in desk.view.notice

    def test_a_picture_is_the_right_way_round(self, desk: Desk, tmp_path: Path) -> None:
        mosaic = np.zeros((4, 8, 3), np.uint8)
        mosaic[:, 4:] = 200
        desk.controls.saw(Shown(plain(1), FakeMosaic(mosaic, 4), True, 0.0))
        desk.press("p")
        written = cv2.imread(str(next(tmp_path.glob("*.png"))))
        assert written is not None and written[0, :, 0].tolist() == [200] * 4 + [0] * 4

    def test_a_recording(self, desk: Desk, tmp_path: Path) -> None:
        desk.press("r")
        assert self._state(desk) == (SIZE, True)
        assert not desk.outputs.recorded, "a clip that is watched still plays at its own time"
        desk.outputs.repeat(FakeMosaic(plain(3, SIZE), 20), lambda: plain(3, SIZE), 0.0)
        desk.press("r")
        assert self._state(desk) == (None, False)
        assert next(tmp_path.glob("automosaic-*.mp4")).stat().st_size > 0
        assert desk.view.notice.startswith("recorded: ")

    @staticmethod
    def _state(desk: Desk) -> tuple[Size | None, bool]:
        return desk.outputs.size, desk.outputs.recording_since_s is not None

    def test_a_recording_beside_another_has_its_size(self, desk: Desk) -> None:
        outputs = Outputs(window=desk.window, files=[FakeSink()], size=(640, 360))
        outputs.add(FakeSink("take"), (640, 360))
        assert outputs.size == (640, 360)
        assert outputs.names == ("window", "sink", "take")

    def test_a_folder_that_is_gone_is_told(self, tmp_path: Path) -> None:
        desk = Desk(tmp_path / "gone")
        desk.press("p", "r")
        assert len(desk.told) == 2 and all("gone" in line for line in desk.told)
        assert desk.outputs.recording_since_s is None

    def test_keeping_settings(self, desk: Desk) -> None:
        desk.press("c", "v", "m", "k")
        expected = {"columns": 64, "variety": 0.6, "mirror": True, "tiles": "fake"}
        assert expected.items() <= desk.kept.items()
        assert desk.view.notice == "kept for the next start: settings.toml"


class TestHelp:
    """The help lists the keys there are."""

    def test_every_key_in_it_does_something(self, desk: Desk) -> None:
        named = {"Space": " ", "Esc": "\x1b"}
        for line in desk.controls.help_lines():
            for key in line.keys.split():
                assert named.get(key, key) in desk.controls._actions, key

    def test_tells_how_things_are(self, desk: Desk) -> None:
        desk.press("m")
        lines = {line.does: line.now for line in desk.controls.help_lines()}
        assert lines["mirror"] == "on"
        assert lines["more, fewer tiles"] == "64 across"

    def test_what_cannot_be_done_is_not_in_it(self) -> None:
        bare = Controls(FakeFilter(), Outputs(), View())
        assert not {"map of the tiles", "keep these settings"} & {
            line.does for line in bare.help_lines()
        }
        bare.explore()
        bare.press(ord("k"))
