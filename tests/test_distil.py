"""Students: what they hold of a teacher whose answers are known, and the shipped ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: students are not tested")
pytest.importorskip("onnx", reason="onnx is not installed: students are not tested")
pytest.importorskip("PIL", reason="Pillow is not installed: students are not tested")
pytest.importorskip("tqdm", reason="tqdm is not installed: students are not tested")

import torch
from torch import Tensor

from export import distil, sights
from export.students import PATCH, StudentDecoder, StudentRegressor
from realtime.codec import Codec
from realtime.picture import read_picture
from realtime.reduction import luminance
from realtime.tileset import TileSet, shipped_folder

POINTS, SIDE = 9, 6


def drawn(latents: Tensor) -> Tensor:
    """Tiles [N, 6, 6] of latents [N, 2]: the logit rises with both, a corner is always white."""
    away = torch.linspace(-1, 1, SIDE)
    along, across = (2 * latents - 1)[:, :, None, None].unbind(dim=1)
    logits = 3 * along * away + 2 * across * away[:, None]
    logits = logits.clone()
    logits[:, 0, 0] = 12.0
    return torch.sigmoid(logits)


@pytest.fixture(scope="module")
def decoder() -> StudentDecoder:
    steps = torch.linspace(0, 1, POINTS)
    tiles = drawn(torch.cartesian_prod(steps, steps))
    return StudentDecoder.fit(tiles.view(POINTS, POINTS, SIDE, SIDE), features=4)


def test_a_decoder_holds_what_so_many_features_can(decoder: StudentDecoder) -> None:
    latents = torch.rand(200, 2, generator=torch.Generator().manual_seed(0))
    latents = torch.cat([latents, torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]])])
    with torch.no_grad():
        assert (decoder(latents) - drawn(latents)).abs().max() < 1e-3


def test_features_lie_about_as_far_apart_as_tiles(decoder: StudentDecoder) -> None:
    near = torch.rand(500, 2, generator=torch.Generator().manual_seed(1))
    far = (near + 0.02).clamp(0, 1)
    with torch.no_grad():
        features = (decoder.interpolate(near) - decoder.interpolate(far)).norm()
        pixels = (drawn(near) - drawn(far)).norm()
    assert 0.6 < features / pixels < 1.6


def test_a_regressor_learns_to_choose_the_tile(decoder: StudentDecoder) -> None:
    torch.manual_seed(0)
    patches = torch.randint(0, 256, (64, 4, 4), dtype=torch.uint8)
    latents = torch.stack([patches[:, 0, 0], patches[:, 3, 3]], dim=1).float() / 255
    lessons = [distil.Lesson(1.0, patches, latents)]
    settings = distil.Settings(epochs=3, steps=15, batch=32)
    training = distil.RegressorTraining(StudentRegressor(4), decoder, lessons, settings)
    losses = [training.one_epoch() for _ in range(3)]
    assert losses[2] < 0.3 * losses[0]


def test_both_see_the_same_patch() -> None:
    patches = np.zeros((2, 28, 28), np.uint8)
    patches[1, :, 14:] = 200
    seen = sights.Sight.of(patches, 14)
    assert seen.large is patches
    assert seen.small.shape == (2, 14, 14)
    assert seen.small[0].max() == 0
    assert np.all(seen.small[1] == [0] * 7 + [200] * 7)


def test_cells_are_cut_as_the_filter_cuts_them() -> None:
    levels = np.arange(0, 240, 20, dtype=np.uint8).reshape(3, 4)
    seen = sights.Sight.cut(np.asarray(levels.repeat(40, 0).repeat(40, 1)), 4, (28, 20))
    assert seen.large.shape == (12, 28, 28)
    assert seen.small.shape == (12, 20, 20)
    for patches in (seen.large, seen.small):
        assert patches[:, 10, 10].tolist() == levels.ravel().tolist()


def test_lessons_are_full_and_equal_for_equal_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sights, "LEAF_PICTURES", 1)
    photos = [np.random.default_rng(0).integers(0, 256, (90, 160, 3), np.uint8)]
    digits = np.random.default_rng(1).integers(0, 256, (5, 28, 28), np.uint8)
    first, again = (sights.gather(digits, photos, 130, 20, seed=3) for _ in range(2))
    assert sum(share for share, _ in first) == pytest.approx(1)
    for (_, seen), (_, same) in zip(first, again, strict=True):
        assert seen.large.shape[1:] == (28, 28)
        assert seen.small.shape[1:] == (20, 20)
        assert len(seen.large) == len(seen.small) >= 5
        assert np.array_equal(seen.small, same.small)


@pytest.fixture(scope="module")
def both() -> tuple[Codec, Codec]:
    """The shipped students and their teacher."""
    folder = shipped_folder() / "mnist-2d"
    return Codec(TileSet.load("mnist-2d")), Codec(TileSet.load(folder / "teacher"))


def test_the_shipped_decoder_draws_what_its_teacher_does(both: tuple[Codec, Codec]) -> None:
    latents = np.random.default_rng(2).random((300, 2), np.float32)
    mine, wanted = (codec.decode(latents, 28).astype(int) for codec in both)
    apart = np.abs(mine - wanted)
    assert apart.mean() < 0.5
    assert apart.mean(axis=(1, 2)).max() < 1.5
    assert apart.max() < 40


def test_the_shipped_regressor_chooses_what_its_teacher_does(both: tuple[Codec, Codec]) -> None:
    photo = read_picture(Path(distil.__file__).parents[1] / "realtime" / "assets" / "demo.jpg")
    seen = sights.Sight.cut(luminance(photo), 40, (28, PATCH))
    mine, wanted = (
        codec.decode(codec.encode(patches), 28).astype(int)
        for codec, patches in zip(both, (seen.small, seen.large), strict=True)
    )
    assert np.abs(mine - wanted).mean() < 1.5
