"""Pictures, clips, options and names that nobody expects; more of them in `tests/fuzz.py`."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime import cli
from realtime.errors import UserError
from realtime.options import Options, parse
from realtime.picture import read_picture
from realtime.sources import open_source
from realtime.tileset import TileSet
from tests import mutations
from tests.clips import corner_picture, grey, write_clip
from tests.fakes import read_all
from tests.programs import ROOT, threads_end
from tests.tile_sets import PLAIN

UNIX = pytest.mark.skipif(os.name == "nt", reason="has no such files")
NOISE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


def encoded(ending: str, image: Any = NOISE) -> bytes:
    return cv2.imencode(ending, image)[1].tobytes()


def pillow(make: Callable[[Any], Any], **settings: Any) -> bytes:
    """Have Pillow write what OpenCV does not."""
    image = pytest.importorskip("PIL.Image", reason="comes with PyTorch's friends")
    stream = io.BytesIO()
    make(image.fromarray(NOISE[..., ::-1])).save(stream, **settings)
    return stream.getvalue()


def _peak_mb() -> float:
    """Return the most memory that this process has ever used."""
    resource = pytest.importorskip("resource", reason="only Unix tells")
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


class TestPictures:
    """Odd pictures become frames, or one line."""

    @pytest.mark.parametrize("shape", [(1, 1), (1, 16_384), (16_384, 1)])
    def test_shapes(self, tmp_path: Path, shape: tuple[int, int]) -> None:
        path = tmp_path / "thin.png"
        path.write_bytes(encoded(".png", np.full(shape, 7, np.uint8)))
        assert (read_picture(path) == np.full((*shape, 3), 7)).all()

    @pytest.mark.parametrize(
        ("how", "settings", "levels"),
        [
            (lambda image: image.convert("CMYK"), {"format": "JPEG", "quality": 100}, 40),
            (lambda image: image.convert("CMYK"), {"format": "TIFF"}, 2),
            (lambda image: image, {"format": "TIFF", "compression": "tiff_lzw"}, 0),
            (lambda image: image, {"format": "PNG", "save_all": True, "append_images": []}, 0),
            (lambda image: image, {"format": "JPEG", "quality": 100, "progressive": True}, 60),
        ],
        ids=["CMYK JPEG", "CMYK TIFF", "LZW", "animated", "progressive"],
    )
    def test_kinds(self, tmp_path: Path, how: Any, settings: dict[str, Any], levels: float) -> None:
        if "append_images" in settings:
            other = pytest.importorskip("PIL.Image").new("RGB", (64, 48))
            settings = {**settings, "append_images": [other]}
        path = tmp_path / "kind.png"
        path.write_bytes(pillow(how, **settings))
        assert np.abs(read_picture(path).astype(int) - NOISE).mean() <= levels

    @pytest.mark.parametrize("name", ["png.jpg", "jpg.png", "webp.tiff", "png.mp4", "jpg.mkv"])
    def test_misnamed(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / name
        path.write_bytes(encoded(f".{path.stem}", corner_picture()))
        with open_source(str(path)) as source:
            (frame,) = read_all(source)
        assert np.abs(frame.image.astype(int) - corner_picture()).mean() < 8

    def test_floats_with_transparency_are_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "float.tiff"
        path.write_bytes(encoded(".tiff", np.ones((9, 9, 4), np.float32)))
        with pytest.raises(UserError, match="it is no picture, or it is damaged"):
            read_picture(path)

    @pytest.mark.parametrize("ending", [".png", ".jpg", ".webp", ".tiff", ".bmp"])
    def test_cut_off_anywhere(self, tmp_path: Path, ending: str) -> None:
        whole = encoded(ending)
        path = tmp_path / f"cut{ending}"
        for length in range(0, len(whole), len(whole) // 23):
            path.write_bytes(whole[:length])
            try:
                assert read_picture(path).shape == (48, 64, 3)
            except UserError as error:
                assert "it is no picture, or it is damaged" in str(error)

    def test_transparency_takes_little_memory(self, tmp_path: Path) -> None:
        path = tmp_path / "glass.png"
        path.write_bytes(encoded(".png", np.full((4000, 4000, 4), 128, np.uint8)))
        tracemalloc.start()
        read_picture(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # As read, with transparency and without: 4 and 3 bytes a pixel.
        assert peak < 12 * 4000 * 4000

    def test_a_part_longer_than_its_file_takes_no_memory(self, tmp_path: Path) -> None:
        path = tmp_path / "liar.png"
        whole = bytearray(encoded(".png"))
        whole[33:37] = b"\x7f\xff\xff\xff"  # the length of what follows the header
        path.write_bytes(whole)
        before = _peak_mb()
        with pytest.raises(UserError, match="it is no picture, or it is damaged"):
            read_picture(path)
        assert _peak_mb() < before + 100

    def test_more_pixels_than_the_program_takes(self, tmp_path: Path) -> None:
        path = tmp_path / "large.png"
        path.write_bytes(encoded(".png", np.zeros((16_400, 16_400), np.uint8)))
        asked = ["--source", str(path), "--no-window", "--no-settings", "--stats"]
        done = subprocess.run(
            [sys.executable, "-m", "realtime", *asked],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        expected = f"automosaic: cannot read {path}: more pixels than a picture may have\n"
        assert (done.returncode, done.stderr) == (2, expected)

    def test_a_file_larger_than_any_picture(self, tmp_path: Path) -> None:
        path = tmp_path / "film.png"
        with path.open("wb") as file:
            file.truncate((1 << 30) + 1)
        with pytest.raises(UserError, match="larger than 1,024 MB"):
            read_picture(path)

    @settings(max_examples=100, deadline=None)
    @given(seed=st.integers(0, 1 << 32))
    def test_spoiled(self, seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
        chance = random.Random(seed)
        good = {".png": encoded(".png"), ".jpg": encoded(".jpg"), ".webp": encoded(".webp")}
        ending = chance.choice(sorted(good))
        path = tmp_path_factory.getbasetemp() / f"spoiled{ending}"
        path.write_bytes(mutations.spoiled(good[ending], chance, good))
        try:
            frame = read_picture(path)
            assert frame.shape[2:] == (3,) and frame.dtype == np.uint8
        except UserError as error:
            assert str(error).startswith("cannot read ")


class TestClips:
    """Odd clips play as far as they go, or are one line."""

    def test_a_size_that_changes(self, tmp_path: Path) -> None:
        parts = [
            write_clip(tmp_path / f"{n}.ts", [grey(99, size)] * 9).read_bytes()
            for n, size in enumerate([(64, 48), (96, 80), (32, 80)])
        ]
        (tmp_path / "all.ts").write_bytes(b"".join(parts))
        with open_source(str(tmp_path / "all.ts")) as source:
            frames = read_all(source)
        assert len(frames) > 18
        assert {frame.image.shape for frame in frames} == {(48, 64, 3)}

    def test_frames_too_large_are_not_decoded(self, tmp_path: Path) -> None:
        path = tmp_path / "large.mkv"
        path.write_bytes(encoded(".png", np.zeros((20_000, 20_000), np.uint8)))
        with pytest.raises(UserError, match="no picture in it can be decoded"):
            open_source(str(path))

    def test_pictures_without_a_decoder(self, tmp_path: Path) -> None:
        path = write_clip(tmp_path / "strange.avi", [grey(9)])
        path.write_bytes(path.read_bytes().replace(b"FMP4", b"XQZ4"))
        with pytest.raises(UserError, match="there is no decoder for its pictures"):
            open_source(str(path))

    def test_a_list_of_clips_fetches_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "list.m3u8"
        head = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\n"
        with socket.create_server(("127.0.0.1", 0)) as server:
            place = f"127.0.0.1:{server.getsockname()[1]}"
            path.write_text(f"{head}http://{place}/x.ts\n#EXT-X-ENDLIST\n")
            with pytest.raises(UserError, match="cannot read"):
                open_source(str(path))
            server.settimeout(0.1)
            with pytest.raises(TimeoutError):
                server.accept()

    @pytest.mark.parametrize("ending", ["mp4", "mkv", "avi", "ts"])
    def test_cut_off_anywhere(self, tmp_path: Path, ending: str) -> None:
        whole = write_clip(tmp_path / f"whole.{ending}", [NOISE] * 20).read_bytes()
        path = tmp_path / f"cut.{ending}"
        for length in range(0, len(whole), len(whole) // 17):
            path.write_bytes(whole[:length])
            try:
                with open_source(str(path)) as source:
                    assert 0 < len(read_all(source)) <= 20
            except UserError as error:
                assert "cannot read " in str(error)

    @UNIX
    @pytest.mark.parametrize("name", ["pipe.mp4", "pipe.png"])
    def test_a_pipe_is_not_waited_for(self, tmp_path: Path, name: str) -> None:
        os.mkfifo(tmp_path / name)
        with pytest.raises(UserError, match="it is no file: write it to one first"):
            open_source(str(tmp_path / name))


class TestOptions:
    """Whatever is asked for is understood, or refused in one line."""

    @pytest.mark.parametrize("option", ["--record=--", "--", "--source=--", "--tiles=--"])
    def test_the_end_of_options_is_no_value(self, option: str) -> None:
        with pytest.raises(UserError, match="unrecognized arguments: "):
            parse([option])

    @given(
        st.lists(st.one_of(st.text(), st.sampled_from(["--columns", "--size", "-5", "=", "--"])))
    )
    def test_any_words(self, words: list[str]) -> None:
        try:
            assert isinstance(parse(words), Options)
        except UserError as error:
            assert str(error)
        except SystemExit as end:
            assert end.code == 0, "help, or the version"

    @given(
        st.text(), st.sampled_from(["columns", "tile-size", "size", "variety", "fps", "seconds"])
    )
    def test_any_number(self, text: str, option: str) -> None:
        try:
            options = parse([f"--{option}={text}"])
        except UserError as error:
            assert f"--{option}" in str(error) or "unrecognized" in str(error)
        else:
            value = getattr(options, option.replace("-", "_"))
            assert np.isfinite(value).all() and np.min(value) >= 0

    @pytest.mark.parametrize("text", ["[" * 9999, "a=" + "[" * 999, "a.b=1\n" * 9999, "x" * 99_999])
    def test_settings_that_are_too_much(self, text: str, tmp_path: Path) -> None:
        path = tmp_path / "settings.toml"
        path.write_text(text)
        with pytest.raises(UserError, match=r"settings\.toml: .*: mend it or pass --no-settings"):
            parse([], path)

    @settings(max_examples=50)
    @given(text=st.text())
    def test_any_settings(self, text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
        path = tmp_path_factory.getbasetemp() / "settings.toml"
        path.write_text(text, encoding="utf-8")
        try:
            parse([], path)
        except UserError as error:
            assert str(path) in str(error)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
)


class TestTileSets:
    """Sidecars and names of tile sets."""

    @given(key=st.sampled_from([*json.loads((PLAIN / "tileset.json").read_text())]), value=JSON)
    def test_any_value(
        self, key: str, value: Any, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        folder = tmp_path_factory.getbasetemp() / "set"
        if not folder.exists():
            shutil.copytree(PLAIN, folder)
        content = json.loads((PLAIN / "tileset.json").read_text())
        (folder / "tileset.json").write_text(json.dumps(content | {key: value}))
        try:
            found = TileSet.load(folder)
        except UserError as error:
            assert "tileset.json" in str(error)
        else:
            assert found.title.isprintable() and 0 <= found.kinds <= 256

    @pytest.mark.parametrize("depth", [900, 950, 980, 100_000])
    def test_a_title_of_many_layers(self, depth: int, tmp_path: Path) -> None:
        folder = Path(shutil.copytree(PLAIN, tmp_path / "set"))
        text = (folder / "tileset.json").read_text()
        nested = "[" * depth + "]" * depth
        (folder / "tileset.json").write_text(text.replace('"title": ', f'"title": {nested}, "x": '))
        with pytest.raises(UserError, match=r"expected a text|not readable as JSON") as told:
            TileSet.load(folder)
        assert len(str(told.value)) < 500

    @pytest.mark.parametrize("name", ["", "x" * 5000, "a\0b", "/", "\udcff", "~", "digits/"])
    def test_names(self, name: str) -> None:
        try:
            assert TileSet.load(name).name == "digits"
        except UserError as error:
            assert "no tile set" in str(error)


@pytest.mark.parametrize("folder", ["ü 一 🎥  b", "%d %s", "-x", "a'b\"c", "~"])
def test_a_run_among_names_of_any_script(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / folder
    shutil.copytree(PLAIN, place / "sét 一")
    (place / "phötö 一.png").write_bytes(encoded(".png"))
    monkeypatch.chdir(place)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place))
    asked = ["--source", "phötö 一.png", "--tiles", "sét 一", "--columns", "8", "--no-window"]
    assert cli.main([*asked, "--record", "öut 一.png", "--record", "öut 一.mp4"]) == 0
    assert cli.main([*asked[:4], "--save-settings"]) == 0
    assert cli.main(["--no-window", "--columns", "4", "--record", "again.png"]) == 0
    out, err = capfd.readouterr()
    assert (out.count("\n"), err) == (1, "")
    assert read_picture(Path("öut 一.png")).shape == (48, 64, 3)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that are no text")
def test_names_that_are_no_text(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    name = os.fsencode(tmp_path) + b"/ph\xf6to.png"
    with open(name, "wb") as file:  # noqa: PTH123 - a name of bytes
        file.write(encoded(".png"))
    source, record = os.fsdecode(name), os.fsdecode(name[:-4] + b"-2.png")
    asked = ["--columns", "8", "--tiles", str(PLAIN), "--no-window", "--no-settings"]
    before = set(threading.enumerate())
    assert cli.main(["--source", source, "--record", record, *asked]) == 0
    assert cli.main(["--source", source, "--record", record, *asked]) == 2
    assert "ph?to-2.png is there already" in capfd.readouterr().err
    threads_end(before)
