"""The whole filter as one graph, against the same filter stage by stage on the CPU.

The graph runs on the CPU too, or with `pytest --provider cuda` on a graphics card.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest

from realtime import MosaicFilter, bounds, device_run, graph_pictures, grid
from realtime.arrays import Frame, Size
from realtime.cli import main
from realtime.codec import Codec
from realtime.device_run import Device
from realtime.errors import DeviceError, UserError
from realtime.graph_pictures import Pixels
from realtime.grid import Grid
from realtime.merging import merge
from realtime.onnx_graph import GraphBuilder
from realtime.providers import PROVIDERS
from realtime.tileset import TileSet
from tests.clips import grey, write_clip
from tests.hostile import GOOD, network
from tests.test_mosaic import photo
from tests.tile_sets import PLAIN, SLOPES, STRIPES

OFF = 0.01  # levels, on average over a mosaic: rounding, and no more
CHOSEN = 0.99  # of the cells, whose latents are the same
SAME = 2e-3  # of the range of a latent; from one kind of digits to the next it is 0.1
CUDA = ["CUDAExecutionProvider", "CPUExecutionProvider"]

CUDA_OPERATORS = """
Abs Add And ArgMax AveragePool BatchNormalization Cast Clip Concat Constant ConstantOfShape Conv
ConvTranspose Div Equal Flatten Floor Gather GatherElements Gemm Greater Identity Less Log MatMul
Max MaxPool Min Mul Neg Or Reciprocal ReduceMean ReduceSum Relu Reshape Round Shape Sigmoid Slice
Softmax Split Squeeze Sub Transpose Unsqueeze Where
"""
"""Those of them that onnxruntime computes on CUDA for what they get here, after its list
`docs/OperatorKernels.md`; constants and shapes are known before anything runs."""


class Pair:
    """The same filter twice: stage by stage, and whole."""

    def __init__(self, tiles: str | Path, provider: str = "cpu", **settings: Any) -> None:
        """Load a tile set; the provider is that of the whole, settings are those of the filter."""
        loaded = (Codec(TileSet.load(tiles), [name]) for name in ("cpu", provider))
        self.stages, self.whole = (
            MosaicFilter(codec, columns=24, whole=whole)
            for codec, whole in zip(loaded, (False, True), strict=True)
        )
        # Else tiles come from the atlas, which rounds latents.
        self.set(exact=True, **settings)

    def set(self, **settings: Any) -> None:
        """Change settings of both."""
        for name, value in settings.items():
            setattr(self.stages, name, value)
            setattr(self.whole, name, value)

    def check(self, frame: Frame) -> Frame:
        """Have both make a mosaic, fail where they differ, and return the one of the whole."""
        wanted, found = self.stages(frame), self.whole(frame)
        assert found.shape == wanted.shape
        assert np.abs(found.astype(int) - wanted).mean() <= OFF
        assert (self.whole.rows, self.whole.columns) == (self.stages.rows, self.stages.columns)
        latents = self.stages.latents, self.whole.latents
        assert latents[0] is not None and latents[1] is not None
        same = np.abs(latents[0] - latents[1]).max(axis=1) <= SAME
        assert same.mean() >= CHOSEN
        return found


PairOf = Callable[..., Pair]


@pytest.fixture(name="pair_of")
def _pair_of(pytestconfig: pytest.Config) -> PairOf:
    """Make pairs whose whole runs where `--provider` says."""
    return partial(Pair, provider=pytestconfig.getoption("--provider"))


def noisy(frame: Frame, seed: int) -> Frame:
    """A frame with the noise of a camera."""
    noise = np.random.default_rng(seed).normal(0, 4, frame.shape)
    return np.asarray(np.clip(frame + noise, 0, 255), np.uint8)


def tinted() -> Frame:
    """The shipped picture in yellow light, so that its channels differ everywhere."""
    frame = photo()
    frame[..., 0] //= 2
    return frame


@pytest.mark.parametrize("colour", ["mono", "tint", "duo:#102030-#f0e0d0"])
@pytest.mark.parametrize("tiles", ["digits", "emoji", "flags", "mnist-2d", STRIPES, SLOPES])
def test_a_first_mosaic_is_that_of_the_stages(
    pair_of: PairOf, tiles: str | Path, colour: str
) -> None:
    pair_of(tiles, colour=colour, columns=16).check(tinted()[:, :320])


@pytest.mark.parametrize(
    ("frame_size", "columns", "size"),
    [
        ((640, 360), 23, None),
        ((641, 359), 17, (333, 217)),
        ((203, 331), 24, (96, 200)),
        ((70, 300), 20, (227, 142)),  # made larger across, smaller down
        ((40, 30), 40, None),
        ((333, 17), 1, None),
    ],
)
@pytest.mark.parametrize("tiles", ["digits", SLOPES])
def test_every_size_is_cropped_and_cut_alike(
    pair_of: PairOf,
    tiles: str | Path,
    frame_size: Size,
    columns: int,
    size: Size | None,
) -> None:
    frame = np.asarray(cv2.resize(tinted(), frame_size, interpolation=cv2.INTER_AREA), np.uint8)
    pair_of(tiles, columns=columns, size=size, colour="tint", stability=0.0).check(frame)


@pytest.mark.parametrize(("tiles", "colour"), [("digits", "mono"), ("emoji", "tint")])
def test_a_film_is_the_same_frame_by_frame(pair_of: PairOf, tiles: str, colour: str) -> None:
    """Twelve frames, so that the line of polarity is looked for twice, and settings that change."""
    pair, frame = pair_of(tiles, colour=colour, columns=20), photo()[:, 100:500]
    for number in range(12):
        frame[40:200, 20 * number : 20 * number + 100] = 30 + 15 * number
        if number == 4:
            pair.set(stability=0.9)
        if number == 6:
            pair.set(variety=0.8)
        if number == 10:
            pair.set(stability=0.0)
        pair.check(noisy(frame, number))


def test_still_noise_changes_nothing_and_a_cut_changes_all(pair_of: PairOf) -> None:
    pair, frame = pair_of("digits", columns=32), photo()
    still = pair.check(frame)
    held = pair.whole.latents
    for number in range(4):
        assert np.array_equal(pair.check(noisy(frame, number)), still)
    pair.check(255 - frame)
    after = pair.whole.latents
    assert held is not None and after is not None
    moved = (np.abs(after - held).max(axis=1) > SAME).mean()
    assert moved > 0.95  # a middle grey stays what it is in the negative


@pytest.mark.parametrize("tiles", ["digits", SLOPES])
def test_settings_change_between_frames(pair_of: PairOf, tiles: str | Path) -> None:
    pair, frame = pair_of(tiles), tinted()[:, :320]
    for settings in (
        {"variety": 1.0},
        {"colour": "tint"},
        {"colour": "duo"},
        {"colour": "duo:#ff0000-#00ff00"},
        {"variety": 0.0, "stability": 1.0},
        {"colour": "mono", "columns": 20},
        {"size": (320, 180)},
        {"share": 0.5},
        {"wanted_tile_size": 9, "size": None, "share": 1.0},
        {"tile_set": "animals", "exact": True},
    ):
        pair.set(**settings)
        pair.check(frame)
        pair.check(noisy(frame, 1))


def test_settings_that_are_numbers_make_no_new_graph(
    pair_of: PairOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = pair_of(STRIPES, colour="duo").whole
    frame = photo()[:, :320]
    made(frame)
    monkeypatch.setattr(onnxruntime, "InferenceSession", None)
    made.variety, made.stability, made.colour = 0.9, 0.1, "duo:#ff0000-#00ff00"
    mosaic = made(frame)
    assert set(map(tuple, mosaic.reshape(-1, 3).tolist())) <= {(0, n, 255 - n) for n in range(256)}


def test_the_past_is_forgotten_with_another_size_and_on_reset(pair_of: PairOf) -> None:
    pair, frame = pair_of("digits", stability=1.0), photo()
    first = pair.check(frame)
    assert not np.array_equal(pair.check(noisy(255 - frame, 1)), first)
    pair.whole(frame[:200, :300])
    assert np.array_equal(pair.whole(frame), first)
    pair.check(noisy(255 - frame, 1))
    pair.whole.reset()
    assert pair.whole.latents is None
    assert np.array_equal(pair.whole(frame), first)


def test_mosaics_are_arrays_of_their_own(pair_of: PairOf) -> None:
    made, frame = pair_of(PLAIN).whole, photo()
    mosaic = made.make(frame)
    taken = mosaic.bgr()
    kept, latents = taken.copy(), made.latents
    assert latents is not None
    held = latents.copy()
    assert np.array_equal(mosaic.i420(), pair_of(PLAIN).whole.make(frame).i420())
    made(255 - frame)
    assert np.array_equal(taken, kept)
    assert np.array_equal(latents, held)


@pytest.mark.parametrize("tiles", ["digits", "emoji"])
@pytest.mark.parametrize("colour", ["mono", "tint", "duo"])
def test_mirrors_and_planes_are_those_of_the_stages(
    pair_of: PairOf, tiles: str, colour: str
) -> None:
    pair, frame = pair_of(tiles, colour=colour, columns=12), tinted()
    wanted, found = pair.stages.make(frame), pair.whole.make(frame)
    assert np.abs(found.mirrored().astype(int) - wanted.mirrored()).mean() <= OFF
    assert np.abs(found.i420().astype(int) - wanted.i420()).mean() < 0.6


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("stage", ["coarsen", "resize", "shrink"])
def test_pictures_in_the_graph_are_those_of_opencv(stage: str, channels: int) -> None:
    """All that sizes may ask for; tile sets that are shipped need few of them."""
    random = np.random.default_rng(7)
    for number in range(12):
        width, height = (int(side) for side in random.integers(5, 120, 2))
        target = (int(random.integers(1, width + 1)), int(random.integers(1, height + 1)))
        if stage == "resize":
            target = (width // 2 + target[0], height // 2 + (number % 3 > 0) * target[1] + 1)
        shape = (height, width, 3) if channels == 3 else (height, width)
        picture = random.integers(0, 256, shape).astype(np.uint8)
        found = computed(stage, picture, target)
        wanted = getattr(grid, stage)(picture, target)
        difference = np.abs(found - wanted.reshape(found.shape))
        assert difference.max() <= 1
        assert (difference > 0).mean() < 0.005  # halves, rounded either way


def computed(stage: str, picture: npt.NDArray[np.uint8], target: Size) -> npt.NDArray[np.float32]:
    """What a stage in a graph makes of a picture, [H, W, C] float32."""
    planes = np.float32(picture.reshape(*picture.shape[:2], -1)).transpose(2, 0, 1)[None]
    g = GraphBuilder(17)
    given = Pixels(
        g.input("given", np.float32, planes.shape), planes.shape[1], picture.shape[1::-1]
    )
    made = getattr(graph_pictures, stage)(g, given, target)
    g.output("made", made.tensor, np.float32, (1, made.channels, *made.size[::-1]))
    session = onnxruntime.InferenceSession(g.model("test").SerializeToString())
    result = session.run(["made"], {"given": planes})[0]
    return np.asarray(result[0].transpose(1, 2, 0), np.float32)


@pytest.mark.parametrize("name", MosaicFilter.available())
@pytest.mark.parametrize("colour", ["mono", "tint", "duo"])
def test_cuda_has_every_operator_of_the_shipped_sets(name: str, colour: str) -> None:
    """Else parts of the graph would run on the CPU, and no CUDA graph could be had."""
    fitted = Grid.fit((640, 360), 20, None, (321, 123))
    _, model = merge(TileSet.load(name), fitted, (640, 360), colour)
    onnx.checker.check_model(model, full_check=True)
    assert {node.op_type for node in model.graph.node} <= set(CUDA_OPERATORS.split())
    shapes = [port.type.tensor_type.shape.dim for port in (*model.graph.input, *model.graph.output)]
    assert all(dim.dim_value > 0 for shape in shapes for dim in shape)


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """A copy of a good tile set, to spoil."""
    return Path(shutil.copytree(PLAIN, tmp_path / "from a stranger"))


def test_networks_of_strangers_are_vetted_before_they_are_merged(stranger: Path) -> None:
    made = MosaicFilter(Codec(TileSet.load(stranger)), columns=8, whole=True)
    lots = network(GOOD + "chance = RandomNormal <shape = [3]> ()")
    (stranger / "decoder.onnx").write_bytes(lots.SerializeToString())
    with pytest.raises(UserError, match="refused: operator 'RandomNormal'"):
        made(photo())


@pytest.mark.parametrize("body", ["x = Abs (one)", "x = Log (minus)"])
def test_what_strangers_give_out_of_range_is_refused(stranger: Path, body: str) -> None:
    """Tiles above 1, and tiles that are no numbers."""
    weights = "<int64[1] last = {2}, float one = {1}, float zero = {0}, float minus = {-1}>"
    good = GOOD.replace("tiles", "before")
    spoiled = network(f"{body} {good} tiles = Add (before, x)", weights)
    (stranger / "decoder.onnx").write_bytes(spoiled.SerializeToString())
    made = MosaicFilter(Codec(TileSet.load(stranger)), columns=8, whole=True)
    with pytest.raises(UserError, match="found tiles out of the range 0 to 1"):
        made(photo())


def test_what_is_too_much_at_a_time_is_done_in_parts(
    pair_of: PairOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair, frame = pair_of(STRIPES, columns=10), photo()
    monkeypatch.setattr(bounds, "MOST_BYTES", 1_000_000)
    fitted = Grid.fit((640, 360), 10)
    plan, _ = merge(pair.whole.card, fitted, (640, 360), "mono")
    assert 1 < plan.parts < fitted.count
    assert np.abs(pair.whole(frame).astype(int) - pair.stages(frame)).mean() <= OFF


def test_networks_of_two_operator_sets_are_refused(stranger: Path) -> None:
    decoder = onnx.load(stranger / "decoder.onnx")
    decoder.opset_import[0].version += 1
    onnx.save(decoder, stranger / "decoder.onnx")
    with pytest.raises(UserError, match="operator sets 17 and 18, which only --provider cpu takes"):
        MosaicFilter(Codec(TileSet.load(stranger)), whole=True)(photo())


@pytest.mark.parametrize(
    ("name", "memory", "cuda"),
    [
        ("cuda", "cuda", True),
        ("tensorrt", "cuda", False),
        ("directml", "dml", False),
        ("coreml", "cpu", False),
        ("openvino", "cpu", False),
        ("cpu", "cpu", False),
    ],
)
def test_memory_follows_from_the_provider(name: str, memory: str, cuda: bool) -> None:
    device = Device.of([PROVIDERS[name], PROVIDERS["cpu"]])
    assert (device.memory, device.cuda) == (memory, cuda)


class Card(onnxruntime.InferenceSession):  # type: ignore[misc]
    """The CPU in the place of a graphics card, that notes what is asked of it."""

    started: list[dict[str, str]]
    graphs: list[str]
    captures: bool

    def __init__(self, model: Any, sess_options: Any, **asked: Any) -> None:
        """Load a network, on the CPU whatever is asked for."""
        if asked["providers"][0] == CUDA[0]:
            Card.started.append(asked["provider_options"][0])
            if "enable_cuda_graph" in Card.started[-1] and not Card.captures:
                raise RuntimeError("This session cannot use the graph capture feature")
        super().__init__(model, sess_options, providers=CUDA[1:])
        self._told = [*asked["providers"], *CUDA[1:]]

    def get_providers(self) -> list[str]:
        """What a session on a card tells."""
        return self._told

    def run_with_iobinding(self, iobinding: Any, run_options: Any = None) -> None:
        """Note the number of the CUDA graph, and run."""
        try:
            Card.graphs.append(run_options.get_run_config_entry("gpu_graph_id"))
        except RuntimeError:
            Card.graphs.append("none")
        super().run_with_iobinding(iobinding, run_options)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> type[Card]:
    """Let onnxruntime have CUDA, whose memory is the machine's own."""
    Card.started, Card.graphs, Card.captures = [], [], True
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: CUDA)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Card)
    monkeypatch.setitem(device_run.MEMORY, "cuda", "cpu")
    return Card


@pytest.mark.parametrize("captures", [True, False])
def test_a_filter_on_cuda_runs_whole_and_says_so(card: type[Card], captures: bool) -> None:
    """With CUDA graphs, one for either turn; and without, where they cannot be had."""
    card.captures = captures
    made = MosaicFilter.load("digits", columns=24, providers=["cuda"])
    assert made.providers[0] == "CUDAExecutionProvider"
    pair, frame = Pair("digits"), photo()
    for number in range(3):
        shown = noisy(frame, number)
        assert np.abs(made(shown).astype(int) - pair.stages(shown)).mean() <= OFF
    # Regressor, decoder, and the graph.
    asked = [settings.get("enable_cuda_graph") for settings in card.started]
    assert asked == ([None, None, "1"] if captures else [None, None, "1", None])
    # Both are recorded; the first frame is run twice, as the line of polarity has moved.
    wanted = ["1", "2", "1", "1", "2", "1"] if captures else ["none"] * 4
    assert card.graphs == wanted
    assert {"upload", "decode", "download"} == set(made.timings)


def test_what_tensorrt_leaves_out_stays_on_the_card(
    card: type[Card], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = PROVIDERS["tensorrt"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [first, *CUDA])
    monkeypatch.setitem(device_run.MEMORY, "tensorrt", "cpu")
    made = MosaicFilter.load(PLAIN, columns=8, providers=["tensorrt"])
    assert made.providers[:2] == [first, CUDA[0]]
    assert np.array_equal(made(photo()), Pair(PLAIN, columns=8).stages(photo()))
    assert set(card.graphs) == {"none"}


def test_a_card_without_memory_is_told_in_one_line(
    card: type[Card], monkeypatch: pytest.MonkeyPatch
) -> None:
    """This onnxruntime has no memory called cuda, as one whose driver fails."""
    monkeypatch.setitem(device_run.MEMORY, "cuda", "cuda")
    made = MosaicFilter.load(PLAIN, columns=8, providers=["cuda"])
    with pytest.raises(
        DeviceError, match="on CUDAExecutionProvider: cannot have its memory"
    ) as raised:
        made(photo())
    assert "\n" not in str(raised.value)


MISSING = "Failed to load libcudart.so.13: cannot open shared object file"
TENSORRT = "Please install TensorRT libraries as mentioned in the GPU requirements page"


@pytest.mark.parametrize(
    ("provider", "preloading", "loading", "why"),
    [
        ("cuda", f"{MISSING}\nFailed to load more\nPlease follow", "", MISSING),
        ("cuda", "", "", "is there an NVIDIA card, and its driver?"),
        (
            "tensorrt",
            "",
            f"EP Error x.cc:7 void f(T&) {TENSORRT}, make sure\nFalling back",
            TENSORRT,
        ),
    ],
)
def test_a_card_that_does_not_start_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    provider: str,
    preloading: str,
    loading: str,
    why: str,
) -> None:
    """What onnxruntime prints is part of the message, and is printed nowhere else."""

    class FallsBack(onnxruntime.InferenceSession):  # type: ignore[misc]
        def __init__(self, model: Any, sess_options: Any, **asked: Any) -> None:
            print(loading)
            super().__init__(model, sess_options, providers=CUDA[1:])

    built_in = [PROVIDERS["tensorrt"], *CUDA]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: built_in)
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: print(preloading), raising=False)
    monkeypatch.setattr(onnxruntime, "InferenceSession", FallsBack)
    words = f"provider {PROVIDERS[provider]} failed to start ({why}); use --provider cpu"
    with pytest.raises(UserError, match=re.escape(words)):
        MosaicFilter.load(PLAIN, providers=[provider])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("failing", ["run_with_iobinding", "io_binding"])
def test_a_card_that_fails_at_work_is_told_in_one_line(
    card: type[Card], monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    made = MosaicFilter.load(PLAIN, columns=8, providers=["cuda"])

    def fail(*arguments: Any) -> None:
        raise RuntimeError("CUDA failure 700:\nan illegal memory access")

    monkeypatch.setattr(Card, failing, fail)
    with pytest.raises(DeviceError, match="CUDA failure 700: an illegal memory access") as raised:
        made(photo())
    assert "\n" not in str(raised.value)


def test_a_card_that_fails_on_the_way_ends_the_run_with_its_recording(
    card: type[Card],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """From the command line to the file."""
    write_clip(tmp_path / "clip.mp4", [grey(20 * n) for n in range(10)])
    real = Card.run_with_iobinding

    def run(session: Card, *arguments: Any) -> None:
        if len(card.graphs) >= 9:
            raise RuntimeError("CUDA failure 700")
        real(session, *arguments)

    monkeypatch.setattr(Card, "run_with_iobinding", run)
    record = tmp_path / "record.mp4"
    words = f"--source {tmp_path / 'clip.mp4'} --tiles {PLAIN} --columns 8 --record {record}"
    assert main([*words.split(), "--provider", "cuda", "--no-window", "--stats"]) == 1
    told = capfd.readouterr()
    assert told.err.count("\n") == 1 and "failed at work (CUDA failure 700)" in told.err
    statistics = json.loads(told.out)
    assert statistics["provider"] == "CUDAExecutionProvider"
    film = cv2.VideoCapture(str(record))
    assert 0 < statistics["frames"] == film.get(cv2.CAP_PROP_FRAME_COUNT) < 9


@pytest.mark.parametrize("name", sorted(set(PROVIDERS) - {"cpu"}))
def test_a_provider_that_is_missing_is_an_error_in_one_line(name: str) -> None:
    if PROVIDERS[name] in onnxruntime.get_available_providers():
        pytest.skip(f"{name} is installed here")
    with pytest.raises(UserError) as raised:
        MosaicFilter.load(PLAIN, providers=[name])
    assert re.fullmatch(
        rf"provider '{name}' is not installed; there are: .*cpu.*", str(raised.value)
    )
