"""Every figure is drawn from the ONNX files; those that make no sense for a set are left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: no tile set to draw figures of")
pytest.importorskip("onnx", reason="onnx is not installed: no tile set to draw figures of")
pytest.importorskip("skimage", reason="scikit-image is not installed: no pictures for figures")

import torch
from PIL import Image

from export import drawing, figures, seed
from export.data import load_tiles
from export.networks_common import Resample
from export.options import Options
from export.to_onnx import export_tile_set
from export.training import Run


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an untrained tile set and twenty pictures for it."""
    folder = tmp_path_factory.mktemp("figures")
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28)).astype(np.uint8)
    data = folder / "mnist_train.npz"
    np.savez(data, images=images, labels=np.arange(20) % 10)
    torch.manual_seed(0)
    network = seed.Autoencoder().eval()
    options = Options(data, None, folder / "tiny", folder, 1, 0, False, None, "a test")
    run = Run(folder / "checkpoint.pt", {}, {}, losses=[0.1])
    sidecar = seed.describe(network, load_tiles("mnist", data), run, options)
    decoder = Resample(network.decoder, seed.SIDE)
    export_tile_set(options.out, decoder, network.encoder, replace(sidecar, tone_range=(0.1, 0.9)))
    return folder


def test_all_figures_of_the_seed(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = {"PANEL": 224, "COUNTS": (4, 8, 16), "COLUMNS": 8, "TILE": 28, "PLANE": 6}
    for name, value in few.items():
        monkeypatch.setattr(figures, name, value)
    command = [str(workplace / "tiny"), "--data", str(workplace / "mnist_train.npz")]
    assert figures.main([*command, "--out", str(workplace / "out")]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    paths = [Path(line) for line in printed.out.splitlines()]
    assert [path.stem for path in paths] == list(figures.FIGURES)
    for path in paths:
        with Image.open(path) as picture:
            assert min(picture.size) > 200
            assert np.ptp(np.asarray(picture.convert("L"))) > 100


def test_missing_tile_set_is_one_line(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert figures.main([str(workplace / "absent")]) == 2
    assert capsys.readouterr().err.startswith("automosaic: no tile set")


def test_points_lie_where_they_should() -> None:
    points = np.array([[0.25, 0.75]])
    picture = drawing.scatter(points, np.array([3]), 100, np.random.default_rng(0))
    coloured = np.argwhere(np.asarray(picture).min(axis=2) < 255).mean(axis=0)
    assert np.abs(coloured - (25, 25)).max() < 1.5


def test_pictures_without_colour_are_saved_grey(tmp_path: Path) -> None:
    drawing.save(drawing.picture(np.zeros((4, 4), np.uint8)), tmp_path / "a.png")
    drawing.save(drawing.picture(np.full((4, 4, 3), (0, 0, 255), np.uint8)), tmp_path / "b.png")
    with Image.open(tmp_path / "a.png") as grey, Image.open(tmp_path / "b.png") as red:
        assert grey.mode == "L"
        assert red.getpixel((0, 0)) == (255, 0, 0)
