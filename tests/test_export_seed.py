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
from torch import nn

from export import seed, train, training
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


def test_training_exports_a_tile_set(digits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["mnist-2d", "--data", str(digits), "--epochs", "2", "--threads", "1"]
    assert train.main(command) == 0
    printed = capsys.readouterr().out
    assert "epoch 2/2  loss 0." in printed
    folder = Path("models/mnist-2d")
    sidecar = json.loads((folder / "tileset.json").read_text())
    assert sidecar["epochs"] == 2
    assert sidecar["shape_latents"] == 2
    assert sidecar["command"] == "python -m export.train mnist-2d --epochs 2 --seed 0"
    assert 0 < sidecar["tone_range"][0] < sidecar["tone_range"][1] < 1
    card = (folder / "README.md").read_text()
    assert "| Epoch | 1 | 2 |" in card
    assert str(digits.parent) not in card


def test_a_resumed_training_ends_as_an_unbroken_one(digits: Path) -> None:
    command = ["mnist-2d", "--data", str(digits), "--threads", "1"]
    assert train.main([*command, "--epochs", "3", "--out", "whole"]) == 0
    assert train.main([*command, "--epochs", "1", "--out", "broken"]) == 0
    assert train.main([*command, "--epochs", "3", "--out", "broken", "--resume"]) == 0
    whole, broken = (
        torch.load(f"runs/{name}/checkpoint.pt", weights_only=True) for name in ("whole", "broken")
    )
    assert whole["losses"] == broken["losses"]
    weights = whole["parts"]["network"]
    assert all(torch.equal(weights[key], broken["parts"]["network"][key]) for key in weights)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cubism"], "no recipe for 'cubism'"),
        (["mnist-2d", "--epochs", "0"], "--epochs 0"),
        (["mnist-2d", "--threads", "0"], "--threads 0"),
        (["mnist-2d", "--data", "absent"], "--data takes"),
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


def test_resuming_asks_for_the_same_run(digits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["mnist-2d", "--data", str(digits), "--epochs", "1"]
    assert train.main([*command, "--resume"]) == 2
    assert "nothing to resume" in capsys.readouterr().err
    assert train.main(command) == 0
    assert train.main([*command, "--resume", "--seed", "5"]) == 2
    assert "use the same" in capsys.readouterr().err


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
