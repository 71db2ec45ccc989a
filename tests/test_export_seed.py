"""The seed's method: its layers as they were in Keras, and a training that can be taken up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: training is not tested")
pytest.importorskip("onnx", reason="onnx is not installed: training is not tested")
pytest.importorskip("PIL", reason="Pillow is not installed: training is not tested")
pytest.importorskip("tqdm", reason="tqdm is not installed: training is not tested")

import torch
from PIL import Image
from torch import nn

from export import distil, seed, sights, train, training
from realtime.errors import UserError


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """A .npz file of forty blots."""
    columns = np.arange(28)
    distance = np.hypot(columns - 14, columns[:, None] - 14)
    images = np.stack([255 * (distance < 3 + n % 10) for n in range(40)]).astype(np.uint8)
    path = tmp_path / "mnist_train.npz"
    np.savez(path, images=images, labels=np.arange(40) % 10)
    return path


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, so that nothing lands in the checkout."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def students(monkeypatch: pytest.MonkeyPatch) -> None:
    """A distillation of a second."""
    few = distil.Settings(epochs=1, steps=3, points=9, features=16, cells=130)
    monkeypatch.setattr(seed, "STUDENTS", few)
    monkeypatch.setattr(distil, "JUDGED", 50)
    monkeypatch.setattr(sights, "LEAF_PICTURES", 1)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with a photograph of noise."""
    noise = np.random.default_rng(0).integers(0, 256, (90, 160, 3), np.uint8)
    (tmp_path / "photos").mkdir()
    Image.fromarray(noise).save(tmp_path / "photos" / "noise.png")
    return tmp_path / "photos"


@pytest.fixture
def command(digits: Path, photos: Path) -> list[str]:
    """The start of a command line that trains in seconds."""
    return ["mnist-2d", "--data", str(digits), "--photos", str(photos), "--threads", "1"]


def parameters(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def test_networks_have_the_size_of_the_original() -> None:
    # What Keras counts as trainable for the layers of the notebook.
    conv = (9 * 1 * 32 + 32) + (9 * 32 * 64 + 64)
    assert parameters(seed.Encoder()) == conv + 2 * 32 + 2 * 64 + (3136 * 2 + 2)
    transposed = (9 * 64 * 32 + 32) + (9 * 32 * 1 + 1)
    assert parameters(seed.Decoder()) == (2 * 3136 + 3136) + 2 * 64 + transposed + 2 * 32


def test_networks_keep_shapes_and_ranges() -> None:
    network = seed.Autoencoder().eval()
    latents = network.encoder(torch.rand(5, 1, 28, 28))
    assert latents.shape == (5, 2)
    assert latents.min() > 0 and latents.max() < 1
    assert network.decoder(latents).shape == (5, 28, 28)


def test_transposed_layer_is_aligned_as_in_keras() -> None:
    """Padding "same" with a kernel of 3 and a stride of 2 starts at the input's first pixel."""
    layer = nn.Sequential(nn.ConvTranspose2d(1, 1, 3, stride=2, bias=False), seed.KerasCrop())
    kernel = torch.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    with torch.no_grad():
        next(layer.parameters()).copy_(kernel)
        first = torch.zeros(1, 1, 7, 7)
        first[0, 0, 0, 0] = 1.0
        found = layer(first)
    assert found.shape == (1, 1, 14, 14)
    assert torch.equal(found[..., :3, :3], kernel)


def test_weights_start_as_in_keras() -> None:
    torch.manual_seed(0)
    dense = seed.Encoder().layers[9]
    assert isinstance(dense, nn.Linear)
    limit = (6 / (3136 + 2)) ** 0.5
    assert 0.95 * limit < dense.weight.abs().max() <= limit
    assert torch.all(dense.bias == 0)


def test_noise_is_added_while_training_alone() -> None:
    network = seed.Autoencoder().eval()
    blots = torch.rand(3, 1, 28, 28)
    assert torch.equal(network(blots), network(blots))


def test_training_exports_both_tile_sets(
    command: list[str], digits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.main([*command, "--epochs", "2"]) == 0
    printed = capsys.readouterr().out
    assert "epoch 2/2  loss 0." in printed
    folder = Path("models/mnist-2d")
    for made, epochs in ((folder, 1), (folder / "teacher", 2)):
        sidecar = json.loads((made / "tileset.json").read_text())
        assert sidecar["epochs"] == epochs
        assert sidecar["shape_latents"] == 2
        assert sidecar["command"] == "python -m export.train mnist-2d --epochs 2 --seed 0"
        assert 0 < sidecar["tone_range"][0] < sidecar["tone_range"][1] < 1
        assert str(digits.parent) not in (made / "README.md").read_text()
    assert "| Epoch | 1 | 2 |" in (folder / "teacher" / "README.md").read_text()
    card = (folder / "README.md").read_text()
    assert "[teacher](teacher/README.md)" in card
    assert "2 epochs" in card
    assert "decoder, levels off, worst pixel" in card
    assert (folder / "manifold.png").is_file()


def test_students_are_taught_anew_from_what_was_exported(command: list[str]) -> None:
    assert train.main([*command, "--epochs", "1"]) == 0
    folder = Path("models/mnist-2d")
    first = [(folder / name).read_bytes() for name in ("decoder.onnx", "regressor.onnx")]
    teacher = (folder / "teacher" / "regressor.onnx").read_bytes()
    assert train.main([*command, "--distil"]) == 0
    again = [(folder / name).read_bytes() for name in ("decoder.onnx", "regressor.onnx")]
    assert first == again
    assert teacher == (folder / "teacher" / "regressor.onnx").read_bytes()
    sidecar = json.loads((folder / "tileset.json").read_text())
    assert sidecar["command"] == "python -m export.train mnist-2d --distil --seed 0"


def test_a_resumed_training_ends_as_an_unbroken_one(command: list[str]) -> None:
    assert train.main([*command, "--epochs", "3", "--out", "whole"]) == 0
    assert train.main([*command, "--epochs", "1", "--out", "broken"]) == 0
    assert train.main([*command, "--epochs", "3", "--out", "broken", "--resume"]) == 0
    whole, broken = (
        torch.load(f"runs/{name}/checkpoint.pt", weights_only=True) for name in ("whole", "broken")
    )
    assert whole["losses"] == broken["losses"]
    weights = whole["parts"]["network"]
    assert all(torch.equal(weights[key], broken["parts"]["network"][key]) for key in weights)
    # The students of the teacher that was only half trained are not taken up.
    files = [Path(name, "regressor.onnx").read_bytes() for name in ("whole", "broken")]
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cubism"], "no recipe for 'cubism'"),
        (["mnist-2d", "--epochs", "0"], "--epochs 0"),
        (["mnist-2d", "--threads", "0"], "--threads 0"),
        (["mnist-2d", "--data", "absent"], "--data takes"),
        (["digits", "--distil"], "--distil: only mnist-2d"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.main(arguments) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("automosaic: ")
    assert said in printed
    assert printed.count("\n") == 1


def test_resuming_asks_for_the_same_run(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*command, "--epochs", "1"]
    assert train.main([*command, "--resume"]) == 2
    assert "nothing to resume" in capsys.readouterr().err
    assert train.main(command) == 0
    assert train.main([*command, "--resume", "--seed", "5"]) == 2
    assert "use the same" in capsys.readouterr().err


def test_nobody_is_taught_without_a_teacher(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.main([*command, "--distil"]) == 2
    printed = capsys.readouterr().err
    assert "teacher" in printed
    assert printed.count("\n") == 1


def test_pictures_of_another_size_are_refused() -> None:
    with pytest.raises(UserError, match="28 x 28"):
        seed.as_tensor(np.zeros((2, 32, 32), np.uint8))
    with pytest.raises(UserError, match="28 x 28"):
        seed.as_tensor(np.zeros((2, 28, 28, 3), np.uint8))


def test_batches_hold_everything_once() -> None:
    torch.manual_seed(0)
    parts = list(training.batches(torch.arange(10), 4))
    assert [len(part) for part in parts] == [4, 4, 2]
    assert sorted(torch.cat(parts).tolist()) == list(range(10))


def test_loss_table_ends_with_the_last_epoch() -> None:
    table = training.loss_table([0.1, 0.05, 0.04])
    assert table.splitlines()[0] == "| Epoch | 1 | 2 | 3 |"
    assert table.splitlines()[2] == "| Loss | 0.1000 | 0.0500 | 0.0400 |"
