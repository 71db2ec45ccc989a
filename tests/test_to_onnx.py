"""Exported tile sets: what the files hold, and that a wrong graph is never written."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: export is not tested")
pytest.importorskip("onnx", reason="onnx is not installed: export is not tested")

import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from export.card import Sidecar
from export.networks_common import Resample, pixel_centres, triangle_weights
from export.to_onnx import TOLERANCE, ExportRefusedError, export_tile_set

TILE, PATCH = 6, 4
FILES = ["README.md", "decoder.onnx", "regressor.onnx", "tileset.json"]


class TinyDecoder(nn.Module):
    """Latents [N, D] -> tiles of one size."""

    def __init__(self, latents: int = 2, channels: int = 1) -> None:
        super().__init__()
        self.channels = channels
        self.layer = nn.Linear(latents, TILE * TILE * channels)

    def forward(self, latents: Tensor) -> Tensor:
        flat = torch.sigmoid(self.layer(latents))
        if self.channels == 1:
            return flat.reshape(-1, TILE, TILE)
        return flat.reshape(-1, TILE, TILE, self.channels)


class TinyRegressor(nn.Module):
    """Patches [N, 1, P, P] -> latents [N, D]."""

    def __init__(self, latents: int = 2) -> None:
        super().__init__()
        self.layer = nn.Linear(PATCH * PATCH, latents)

    def forward(self, patches: Tensor) -> Tensor:
        return torch.sigmoid(self.layer(patches.flatten(1)))


SIDECAR = Sidecar(
    name="tiny",
    title="noise",
    tile_size=TILE,
    channels=1,
    patch_size=PATCH,
    patch_channels=1,
    shape_latents=2,
    tone=False,
    tone_range=(0.1, 0.9),
    classes=("a", "é"),
    licence="none",
    source="nowhere",
    command="python -m export.train tiny",
    seed=3,
    commit="",
    epochs=1,
    duration_s=1.5,
    metrics={"error": 0.25},
)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def test_folder_holds_everything(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "tiny"
    export_tile_set(folder, Resample(TinyDecoder(), TILE), TinyRegressor(), SIDECAR, "A note.")
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]
    stored = json.loads((folder / "tileset.json").read_text(encoding="utf-8"))
    assert stored["format"] == 1
    assert stored["classes"] == ["a", "é"]
    assert stored["tone_range"] == [0.1, 0.9]
    assert stored["metrics"] == {"error": 0.25}
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert card.startswith("# tiny: noise\n")
    assert "A note." in card
    assert "decoder.onnx" in card


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("tone", [False, True])
def test_decoder_takes_any_count_and_size(tmp_path: Path, channels: int, tone: bool) -> None:
    sidecar = replace(SIDECAR, channels=channels, tone=tone)
    decoder = Resample(TinyDecoder(sidecar.latents, channels), TILE)
    export_tile_set(tmp_path / "tiny", decoder, TinyRegressor(sidecar.latents), sidecar)
    session = onnxruntime.InferenceSession(tmp_path / "tiny" / "decoder.onnx")
    for count, size in ((1, 1), (5, TILE), (3, 50)):
        latents = torch.rand(count, sidecar.latents)
        feed = {"latents": latents.numpy(), "pixels": pixel_centres(size).numpy()}
        (tiles,) = session.run(["tiles"], feed)
        assert tiles.shape == (count, size, size, 3)[: 3 + (channels == 3)]
        with torch.no_grad():
            assert np.abs(tiles - decoder(latents, pixel_centres(size)).numpy()).max() < TOLERANCE


def test_graphs_carry_nothing_of_this_machine(tmp_path: Path) -> None:
    export_tile_set(tmp_path, Resample(TinyDecoder(), TILE), TinyRegressor(), SIDECAR)
    for name in ("decoder", "regressor"):
        path = tmp_path / f"{name}.onnx"
        model = onnx.load(path)
        assert not model.metadata_props
        assert not any(node.doc_string or node.metadata_props for node in model.graph.node)
        assert not re.search(rb"/(home|root|tmp|usr|work)/|\.py", path.read_bytes())


def test_other_files_stay_and_old_ones_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "tileset.json").write_text("old")
    export_tile_set(tmp_path, Resample(TinyDecoder(), TILE), TinyRegressor(), SIDECAR)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*FILES, "notes.txt"])
    assert json.loads((tmp_path / "tileset.json").read_text())["name"] == "tiny"


class FixedSize(nn.Module):
    """A decoder that only knows the size it was traced with."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = TinyDecoder()

    def forward(self, latents: Tensor, pixels: Tensor) -> Tensor:
        tiles = self.inner(latents).unsqueeze(1)
        size = int(pixels.shape[0])
        resized = nn.functional.interpolate(tiles, size=(size, size)).squeeze(1)
        return resized + 0.0 * pixels.sum()


class Scaled(nn.Module):
    """Multiplies what a network gives."""

    def __init__(self, inner: nn.Module, factor: float) -> None:
        super().__init__()
        self.inner, self.factor = inner, factor

    def forward(self, *inputs: Tensor) -> Tensor:
        scaled: Tensor = self.inner(*inputs) * self.factor
        return scaled


class CountsOneTwice(nn.Module):
    """A regressor whose graph cannot follow what Python decides."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = TinyRegressor()

    def forward(self, patches: Tensor) -> Tensor:
        latents: Tensor = self.inner(patches)
        return latents * 0.5 if len(patches) == 1 else latents


GOOD_DECODER, GOOD_REGRESSOR = Resample(TinyDecoder(), TILE), TinyRegressor()


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize(
    ("decoder", "regressor", "said"),
    [
        (FixedSize(), GOOD_REGRESSOR, "decoder"),
        (Scaled(GOOD_DECODER, 1.5), GOOD_REGRESSOR, "values outside"),
        (Scaled(GOOD_DECODER, float("nan")), GOOD_REGRESSOR, "values outside"),
        (Resample(TinyDecoder(channels=3), TILE), GOOD_REGRESSOR, "the sidecar says"),
        (GOOD_DECODER, TinyRegressor(latents=3), "the sidecar says"),
        (GOOD_DECODER, CountsOneTwice(), "differ by"),
    ],
)
def test_wrong_graphs_are_refused(
    tmp_path: Path, decoder: nn.Module, regressor: nn.Module, said: str
) -> None:
    with pytest.raises(ExportRefusedError, match=said):
        export_tile_set(tmp_path / "tiny", decoder, regressor, SIDECAR)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("native", [16, 28, 64])
@pytest.mark.parametrize("size", [4, 9, 16, 28, 33, 100])
def test_resampling_keeps_the_mean(native: int, size: int) -> None:
    weights = triangle_weights(pixel_centres(size), native)
    assert torch.allclose(weights.sum(dim=1), torch.ones(size), atol=1e-5)
    assert weights.min() >= 0
    edge = torch.zeros(1, native, native)
    edge[:, 0] = 1.0  # the worst case: all the light lies on a border
    for tiles in (edge, torch.rand(20, native, native), torch.ones(1, native, native)):
        resized = weights @ tiles @ weights.T
        assert torch.allclose(resized.mean(dim=(1, 2)), tiles.mean(dim=(1, 2)), atol=1e-2)


def test_resampling_to_the_native_size_changes_nothing() -> None:
    assert torch.allclose(triangle_weights(pixel_centres(28), 28), torch.eye(28), atol=1e-4)
