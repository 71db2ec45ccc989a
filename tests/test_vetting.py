"""Tile sets from strangers: what passes, and what is refused before onnxruntime sees it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from realtime import MosaicFilter
from realtime.codec import Codec
from realtime.errors import UserError
from realtime.tileset import TileSet, available
from tests import hostile
from tests.tile_sets import PLAIN, STRIPES

HOSTILE = list(hostile.networks())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a good tile set, to spoil."""
    return Path(shutil.copytree(PLAIN, tmp_path / "from a stranger"))


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where onnxruntime is given anything."""

    def fail(*arguments: Any, **settings: Any) -> None:
        pytest.fail("onnxruntime saw it")

    monkeypatch.setattr(onnxruntime, "InferenceSession", fail)


@pytest.fixture
def regressor_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where onnxruntime is given more than one network: the good regressor."""
    real, seen = onnxruntime.InferenceSession, []

    def load(*arguments: Any, **settings: Any) -> Any:
        seen.append(arguments)
        assert len(seen) == 1, "onnxruntime saw it"
        return real(*arguments, **settings)

    monkeypatch.setattr(onnxruntime, "InferenceSession", load)


@pytest.mark.usefixtures("regressor_alone")
@pytest.mark.parametrize(
    ("content", "words"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE]
)
def test_refused_in_one_line_and_unseen(folder: Path, content: bytes, words: str) -> None:
    (folder / "decoder.onnx").write_bytes(content)
    with pytest.raises(UserError, match=rf"decoder\.onnx: refused: .*({words})") as told:
        Codec(TileSet.load(folder))
    assert str(told.value).isprintable()
    assert len(str(told.value)) < 500


def test_the_good_network_that_the_hostile_ones_are_made_from_passes(folder: Path) -> None:
    (folder / "decoder.onnx").write_bytes(hostile.network().SerializeToString())
    tiles = Codec(TileSet.load(folder)).decode(np.array([[0.2]], np.float32), 4)
    assert tiles.tolist() == [[[51] * 4] * 4]


LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from realtime.codec import Codec
from realtime.errors import UserError
from realtime.tileset import TileSet
from tests import hostile
Codec(TileSet.load(sys.argv[1]))
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (400 << 20),) * 2)
refused = 0
for name, content, _ in hostile.networks():
    Path(sys.argv[1], "decoder.onnx").write_bytes(content)
    try:
        Codec(TileSet.load(sys.argv[1]))
    except UserError:
        refused += 1
print(refused)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="bounds memory in Linux's way")
def test_refusing_takes_little_memory(folder: Path) -> None:
    root = str(Path(__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", LITTLE_MEMORY, str(folder)],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, str(len(HOSTILE))), done.stderr


@pytest.mark.parametrize("name", available())
@pytest.mark.parametrize("colour", ["mono", "tint"])
def test_a_shipped_set_passes_and_looks_the_same_elsewhere(
    tmp_path: Path, name: str, colour: str
) -> None:
    """Sets that people train are not unlike."""
    folder = shutil.copytree(TileSet.load(name).folder, tmp_path / "copy")
    frame = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    ours, copy = (MosaicFilter.load(tiles, columns=20, colour=colour) for tiles in (name, folder))
    assert np.abs(ours(frame).astype(int) - copy(frame)).max() <= 1


@pytest.mark.parametrize("count", [0, 1, 3, 1023, 1024, 2741])
def test_any_number_of_tiles_comes_out_in_order(count: int) -> None:
    codec = Codec(TileSet.load(PLAIN))
    latents = np.linspace(0, 1, count, dtype=np.float32)[:, None]
    for side in (1, 7, 40):
        tiles = codec.decode(latents, side)
        assert tiles.shape == (count, side, side)
        assert np.array_equal(tiles[:, 0, 0], np.rint(255 * latents[:, 0]).astype(np.uint8))


def test_large_tiles_come_out_too() -> None:
    tiles = Codec(TileSet.load(STRIPES)).decode(np.full((5, 4), 0.5, np.float32), 512)
    assert tiles.shape == (5, 512, 512)


class TestAtWork:
    """A network that passed may still fail, or give what is no picture."""

    @pytest.mark.parametrize(
        ("body", "weights", "words"),
        [
            ("tiles = Add (whole, huge)", "float huge = {7}", "tiles out of the range"),
            ("wrong = Log (below) \n tiles = Add (whole, wrong)", "float below = {-1}", "range"),
            (
                "place = Cast <to = 7> (scaled) \n found = Gather (pixels, place) \n"
                "column = Reshape (found, cube) \n tiles = Mul (whole, column)",
                "int64[3] cube = {-1, 1, 1}",
                "failed at work",
            ),
        ],
        ids=["too bright", "no number", "out of bounds"],
    )
    def test_is_one_line(self, folder: Path, body: str, weights: str, words: str) -> None:
        good = hostile.GOOD.replace("tiles =", "whole =")
        scaled = "scaled = Mul (latents, million) \n" if "scaled" in body else ""
        weights = f"{hostile.GOOD_WEIGHTS[:-1]}, float million = {{1000000}}, {weights}>"
        model = hostile.network(f"{good} \n {scaled}{body}", weights)
        (folder / "decoder.onnx").write_bytes(model.SerializeToString())
        codec = Codec(TileSet.load(folder))
        with pytest.raises(UserError, match=rf"decoder\.onnx: .*{words}") as told:
            codec.decode(np.full((2, 1), 0.5, np.float32), 8)
        assert str(told.value).isprintable()

    def test_latents_out_of_range_are_one_line(self, folder: Path) -> None:
        ports = "g (float[N, 1, 2, 2] patches) => (float[N, 1] latents)"
        body = "mean = ReduceMean <axes = [2, 3], keepdims = 0> (patches) \n latents = Log (mean)"
        model = hostile.network(body, "", ports)
        (folder / "regressor.onnx").write_bytes(model.SerializeToString())
        with pytest.raises(UserError, match=r"regressor\.onnx: found latents out of the range"):
            MosaicFilter.load(folder, columns=4)(np.zeros((16, 16, 3), np.uint8))

    def test_tiles_too_large_for_it_are_one_line(self, folder: Path) -> None:
        weights = f"{hostile.GOOD_WEIGHTS[:-1]}, int64[4] shape = {{40000, 1, 1, 1}}>"
        model = hostile.network(f"{hostile.GOOD} \n wide = Expand (tiles, shape)", weights)
        (folder / "decoder.onnx").write_bytes(model.SerializeToString())
        sidecar = folder / "tileset.json"
        sidecar.write_text(sidecar.read_text().replace('"tile_size": 8', '"tile_size": 2'))
        with pytest.raises(UserError, match="takes more than 1,024 MB"):
            Codec(TileSet.load(folder)).decode(np.full((1, 1), 0.5, np.float32), 512)


class TestFiles:
    """The files of a tile set lie in its folder, are files, and are not large."""

    @pytest.mark.parametrize("file", ["tileset.json", "decoder.onnx", "regressor.onnx"])
    def test_a_link_to_elsewhere_is_refused(self, folder: Path, file: str) -> None:
        (folder / file).unlink()
        (folder / file).symlink_to("/etc/passwd" if Path("/etc/passwd").exists() else __file__)
        with pytest.raises(UserError, match="a link to elsewhere; refused"):
            TileSet.load(folder)

    def test_a_link_within_the_folder_will_do(self, folder: Path) -> None:
        (folder / "decoder.onnx").rename(folder / "decoder-2.onnx")
        (folder / "decoder.onnx").symlink_to("decoder-2.onnx")
        Codec(TileSet.load(folder))

    def test_the_folder_itself_may_be_a_link(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(folder, target_is_directory=True)
        Codec(TileSet.load(tmp_path / "link"))

    @pytest.mark.parametrize("file", ["tileset.json", "decoder.onnx"])
    def test_a_large_file_is_refused(self, folder: Path, file: str) -> None:
        with (folder / file).open("r+b") as opened:
            opened.truncate(40 << 20)
        with pytest.raises(UserError, match=r"larger than [\d,]+ KB; refused"):
            TileSet.load(folder)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only Unix has pipes with names")
    def test_what_is_no_file_is_not_waited_for(self, folder: Path) -> None:
        (folder / "decoder.onnx").unlink()
        os.mkfifo(folder / "decoder.onnx")
        with pytest.raises(UserError, match="missing"):
            TileSet.load(folder)

    @pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read all files")
    def test_a_locked_file_is_refused(self, folder: Path) -> None:
        (folder / "decoder.onnx").chmod(0)
        with pytest.raises(UserError, match="cannot be read"):
            Codec(TileSet.load(folder))


@pytest.mark.usefixtures("untouched")
def test_a_bad_regressor_is_refused_as_well(folder: Path) -> None:
    (folder / "regressor.onnx").write_bytes(HOSTILE[0][1])
    with pytest.raises(UserError, match=r"regressor\.onnx: refused: "):
        Codec(TileSet.load(folder))


def test_shipped_sets_do_without_the_package_onnx() -> None:
    program = (
        "import sys, numpy as np; from realtime import MosaicFilter;"
        "MosaicFilter.load('digits', columns=4)(np.zeros((32, 32, 3), np.uint8));"
        "sys.exit('onnx' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
