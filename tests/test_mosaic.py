"""The filter, on tile sets whose answers are known and on the shipped ones."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime import MosaicFilter, planes
from realtime.arrays import Frame
from realtime.errors import UserError
from tests.tile_sets import PLAIN, SLOPES, STRIPES

DEMO = Path(__file__).parents[1] / "realtime" / "assets" / "demo.jpg"


def photo() -> Frame:
    """The shipped picture at 640x360, [360, 640, 3] uint8 BGR."""
    picture = cv2.imread(str(DEMO))
    assert picture is not None
    return np.asarray(cv2.resize(picture[40:328], (640, 360)), np.uint8)


def squares(rows: int, columns: int, side: int) -> Frame:
    """A grey picture of squares that differ, [rows * side, columns * side, 3] uint8 BGR."""
    levels = np.random.default_rng(1).integers(0, 256, (rows, columns), np.uint8)
    return levels.repeat(side, 0).repeat(side, 1)[:, :, None].repeat(3, 2)


def cell_means(picture: Frame, rows: int, columns: int) -> npt.NDArray[np.float64]:
    """Mean luminance of the cells, [rows, columns] float64."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    height, width = grey.shape
    cells = grey.reshape(rows, height // rows, columns, width // columns)
    return np.asarray(cells.mean(axis=(1, 3)))


def test_the_mosaic_of_squares_in_flat_tiles_is_the_picture() -> None:
    frame = squares(6, 8, 16)
    mosaic = MosaicFilter.load(PLAIN, columns=8, exact=True, stabilise=False)(frame)
    assert np.array_equal(mosaic, frame)


def test_tells_the_memory_of_the_tiles_it_keeps() -> None:
    made = MosaicFilter.load(PLAIN, columns=8, stabilise=False)
    assert made.kept_bytes == 0
    grey = np.full((96, 128, 3), 100, np.uint8)
    made(grey)
    assert made.kept_bytes == 16 * 16, "equal cells share a tile"
    made(np.where(np.arange(128)[None, :, None] < 64, grey, 200).astype(np.uint8))
    assert made.kept_bytes == 2 * 16 * 16
    made(grey)
    assert made.kept_bytes == 2 * 16 * 16, "a tile stays"
    made.wanted_tile_size = 8
    made(grey)
    assert made.kept_bytes == 8 * 8, "tiles of another size take the place of all"


def test_keeps_no_tiles_where_all_are_decoded_exactly() -> None:
    made = MosaicFilter.load(PLAIN, columns=8, exact=True)
    made(squares(6, 8, 16))
    assert made.kept_bytes == 0


def test_the_atlas_differs_from_exact_decoding_by_less_than_its_step() -> None:
    frame = squares(6, 8, 16)
    mosaic = MosaicFilter.load(PLAIN, columns=8, stabilise=False)(frame)
    assert np.abs(mosaic.astype(int) - frame).max() <= 1


def test_shape_of_the_mosaic() -> None:
    frame = photo()
    made = MosaicFilter.load(PLAIN, columns=40)
    assert made(frame).shape == (23 * 16, 40 * 16, 3)
    assert (made.columns, made.rows, made.tile_size) == (40, 23, 16)
    assert MosaicFilter.load(PLAIN, columns=40, tile_size=28)(frame).shape == (644, 1120, 3)
    assert MosaicFilter.load(PLAIN, columns=40, size=(321, 200))(frame).shape == (200, 321, 3)


def test_every_setting_may_change_between_frames() -> None:
    made = MosaicFilter.load(STRIPES, columns=16)
    frame = photo()
    made(frame)
    made.columns = 20
    assert made(frame).shape == (11 * 32, 640, 3)
    made.colour = "tint"
    assert made(frame)[..., 0].tolist() != made(frame)[..., 2].tolist()
    made.tile_set = str(PLAIN)
    assert made.tile_set == "plain"
    assert made(frame).shape == (11 * 32, 640, 3)
    made.size = (320, 180)
    assert made(frame).shape == (180, 320, 3)
    assert made(frame[:200, :300]).shape == (180, 320, 3)


@pytest.mark.parametrize(
    ("frame", "error", "message"),
    [
        (None, TypeError, "found NoneType"),
        (np.zeros((4, 4, 3), np.float32), TypeError, "found dtype float32"),
        (np.zeros((4, 4), np.uint8), ValueError, r"found shape \(4, 4\)"),
        (np.zeros((0, 4, 3), np.uint8), ValueError, r"found shape \(0, 4, 3\)"),
        (np.zeros((4, 4, 3), np.uint8), ValueError, "fewer columns"),
    ],
)
def test_what_is_no_frame_is_refused(frame: Frame, error: type[Exception], message: str) -> None:
    made = MosaicFilter.load(PLAIN, columns=8)
    with pytest.raises(error, match=message):
        made(frame)


@pytest.mark.parametrize(
    "asked",
    [
        {"columns": 0},
        {"colour": "pink"},
        {"variety": 1.5},
        {"variety": float("nan")},
        {"colour": "duo:#12345-#ffffff"},
    ],
)
def test_impossible_settings_are_refused(asked: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"found .*, expected"):
        MosaicFilter.load(PLAIN, **asked)  # type: ignore[arg-type]


def test_unknown_tile_set_names_those_there_are() -> None:
    with pytest.raises(UserError, match="digits"):
        MosaicFilter.load("no-such-set")


def test_unknown_provider_is_an_error_and_names_those_there_are() -> None:
    with pytest.raises(UserError, match=r"there are: .*cpu"):
        MosaicFilter.load(PLAIN, providers=["tensorrt"])


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_provider_that_does_not_start_is_an_error_and_not_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As where onnxruntime was built for CUDA, and the driver is missing."""
    built = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: built)
    words = "failed to start (is there an NVIDIA card, and its driver?); use --provider cpu"
    with pytest.raises(UserError, match=re.escape(f"CUDAExecutionProvider {words}")):
        MosaicFilter.load(PLAIN, providers=["cuda"])


def test_the_provider_that_runs_is_told() -> None:
    assert MosaicFilter.load(PLAIN).providers == ["CPUExecutionProvider"]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_equal_frames_give_equal_mosaics_without_stabilising(seed: int, variety: float) -> None:
    random = np.random.default_rng(seed)
    frames = random.integers(0, 256, (2, 48, 64, 3), np.uint8)
    made = MosaicFilter.load(STRIPES, columns=8, variety=variety, stabilise=False)
    first = made(frames[0])
    made(frames[1])
    assert np.array_equal(made(frames[0]), first)


def test_camera_noise_changes_no_tile_and_a_cut_changes_all() -> None:
    random = np.random.default_rng(5)
    frame = photo()
    made = MosaicFilter.load(STRIPES, columns=32)
    still = made(frame)
    for _ in range(5):
        noise = random.normal(0, 4, frame.shape)
        noisy = np.clip(frame + noise, 0, 255).astype(np.uint8)
        assert np.array_equal(made(noisy), still)
    cut = 255 - frame
    shown = made(cut)
    fresh = MosaicFilter.load(STRIPES, columns=32)(cut)
    means = cell_means(shown, 18, 32), cell_means(fresh, 18, 32)
    assert np.abs(means[0] - means[1]).max() < 12


def test_reset_forgets_the_past() -> None:
    frame = photo()
    made = MosaicFilter.load(STRIPES, columns=32)
    first = made(frame)
    made(255 - frame)
    made.reset()
    assert np.array_equal(made(frame), first)


def test_variety_mixes_the_kinds() -> None:
    frame = np.full((96, 128, 3), 90, np.uint8)
    made = MosaicFilter.load(STRIPES, columns=16, variety=1, stabilise=False)
    tiles = made(frame)[..., 0].reshape(12, 8, 16, 8).transpose(0, 2, 1, 3).reshape(-1, 8, 8)
    upper = (tiles[:, 0, 0] == tiles[:, 0, 7]).mean()
    assert 0.3 < upper < 0.7


def test_tint_has_the_mean_colour_of_every_cell() -> None:
    frame = photo()
    made = MosaicFilter.load(STRIPES, columns=32, colour="tint", stabilise=False)
    mosaic = made(frame)
    wanted = cv2.resize(frame, (32, 18), interpolation=cv2.INTER_AREA).astype(int)
    found = cv2.resize(mosaic, (32, 18), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(wanted - found).mean() < 3


def test_duo_runs_from_one_colour_to_the_other() -> None:
    frame = squares(6, 8, 16)
    made = MosaicFilter.load(PLAIN, columns=8, colour="duo:#102030-#f0e0d0", exact=True)
    mosaic = made(np.where(frame > 127, 255, 0).astype(np.uint8))
    assert set(map(tuple, mosaic.reshape(-1, 3).tolist())) == {(48, 32, 16), (208, 224, 240)}


@pytest.mark.parametrize("tiles", [PLAIN, SLOPES])
@pytest.mark.parametrize("colour", ["mono", "tint", "duo"])
def test_the_mirrored_mosaic_is_that_of_the_mirrored_frame(tiles: Path, colour: str) -> None:
    """Where tiles are flat or slopes; letters would stay the right way round."""
    made = MosaicFilter.load(tiles, columns=20, colour=colour, stabilise=False)
    frame = photo()
    mirrored = made.make(frame).mirrored()
    wanted = made(np.ascontiguousarray(frame[:, ::-1]))
    assert np.abs(mirrored.astype(int) - wanted).mean() < 0.6


def test_a_mirrored_mosaic_has_its_tiles_the_right_way_round() -> None:
    made = MosaicFilter.load(STRIPES, columns=16, variety=0, stabilise=False)
    frame = squares(9, 16, 32)
    mosaic = made.make(frame)
    tiles = mosaic.bgr().reshape(9 * 32, 16, 32, 3)
    assert np.array_equal(mosaic.mirrored().reshape(9 * 32, 16, 32, 3), tiles[:, ::-1])


@pytest.mark.parametrize("size", [None, (320, 180), (322, 180), (321, 179), (200, 100)])
@pytest.mark.parametrize("colour", ["mono", "tint", "duo"])
@pytest.mark.parametrize("as_planes", [False, True])
def test_planes_are_those_of_the_mosaic(
    size: tuple[int, int] | None, colour: str, as_planes: bool
) -> None:
    made = MosaicFilter.load(SLOPES, columns=20, colour=colour, size=size, stabilise=False)
    wanted = made(photo())
    made.planes = as_planes
    mosaic = made.make(photo())
    assert mosaic.size == wanted.shape[1::-1]
    assert mosaic.i420().shape == planes.shape(mosaic.size)
    difference = np.abs(mosaic.i420().astype(int) - planes.from_bgr(wanted))
    assert difference.mean() < 0.6
    assert np.abs(mosaic.bgr().astype(int) - wanted).mean() < 2.5


@pytest.mark.parametrize("name", MosaicFilter.available())
def test_shipped_sets_make_mosaics_of_every_size(name: str) -> None:
    made = MosaicFilter.load(name, columns=24)
    for tile_size in (8, 16, 28, 40):
        made.wanted_tile_size = tile_size
        assert made(photo()).shape[1] == 24 * tile_size


def test_digits_have_the_tones_of_the_picture() -> None:
    frame = photo()[:, 32:608]
    made = MosaicFilter.load("digits", columns=64, tile_size=16, stabilise=False)
    large = np.asarray(cv2.resize(frame, (1024, 640), interpolation=cv2.INTER_AREA), np.uint8)
    wanted = cell_means(large, 40, 64)
    found = cell_means(made(frame), 40, 64)
    difference = np.clip(wanted / 255, 0.05, 0.95) - found / 255
    assert np.sqrt(np.square(difference).mean()) < 0.01


def test_opencv_has_as_many_threads_afterwards_as_before() -> None:
    before = cv2.getNumThreads()
    try:
        for threads in (1, 2, 3):
            cv2.setNumThreads(threads)
            kept = cv2.getNumThreads()
            MosaicFilter.load(PLAIN, columns=4)(np.zeros((36, 64, 3), np.uint8))
            assert cv2.getNumThreads() == kept
    finally:
        cv2.setNumThreads(before)
