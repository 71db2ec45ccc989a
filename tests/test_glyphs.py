"""Glyph tile sets: exact tones, polarity, kinds, distance fields, and the taste of regressors."""

from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: training is not tested")
pytest.importorskip("onnx", reason="onnx is not installed: training is not tested")
pytest.importorskip("PIL", reason="Pillow is not installed: training is not tested")
pytest.importorskip("tqdm", reason="tqdm is not installed: training is not tested")

import torch
from torch import Tensor

from export import glyph_sets, train
from export.clusters import families, k_means
from export.data import load_tiles
from export.glyph_training import Settings, distance_fields, solve_ink
from export.glyphs import GlyphDecoder, GlyphRegressor, Levels
from export.networks_common import pixel_centres
from export.reader import Readers, ReaderTraining, draw_at_any_ink, shown_any_way
from realtime import MosaicFilter

KINDS, STYLES, SIZE = 4, 2, 12
VARIANTS = {
    "inked": {"levels": Levels(), "textured": False},
    "textured": {"levels": Levels(coverage=None), "textured": True},
}


@pytest.fixture(params=VARIANTS)
def decoder(request: pytest.FixtureRequest) -> GlyphDecoder:
    """Untrained: what is asked of it must hold for any weights."""
    torch.manual_seed(1)
    variant = VARIANTS[request.param]
    levels, textured = variant["levels"], variant["textured"]
    assert isinstance(levels, Levels)
    return GlyphDecoder(KINDS, STYLES, SIZE, levels, textured=bool(textured)).eval()


def draw_latents(count: int, tones: tuple[float, float] = (0.05, 0.95)) -> Tensor:
    latents = torch.rand(count, 1 + STYLES + 4, generator=torch.Generator().manual_seed(2))
    latents[:, -2] = tones[0] + (tones[1] - tones[0]) * latents[:, -2]
    latents[:, -1] = (latents[:, -2] > 0.5).float()
    return latents


@pytest.mark.parametrize("size", [8, 12, 16, 31])
@torch.no_grad()
def test_mean_of_a_tile_is_its_tone(decoder: GlyphDecoder, size: int) -> None:
    latents = draw_latents(200)
    tiles = decoder(latents, pixel_centres(size))
    assert tiles.shape == (200, size, size)
    assert tiles.min() >= 0 and tiles.max() <= 1
    assert torch.allclose(tiles.mean(dim=(1, 2)), latents[:, -2], atol=1e-3)


@torch.no_grad()
def test_polarity_inverts(decoder: GlyphDecoder) -> None:
    light = draw_latents(50, (0.1, 0.5))
    light[:, -1] = 0
    dark = light.clone()
    dark[:, -4:] = 1 - light[:, -4:]
    pixels = pixel_centres(16)
    assert torch.allclose(decoder(dark, pixels), 1 - decoder(light, pixels), atol=1e-6)


@torch.no_grad()
def test_kinds_mix_near_borders_only(decoder: GlyphDecoder) -> None:
    inside = torch.linspace(0.03, 0.97, 30)
    for kind in range(KINDS):
        weights = decoder.mix_kinds((kind + inside) / KINDS)
        assert torch.all(weights[:, kind] > 0.95)
        assert torch.allclose(weights.sum(dim=1), torch.ones(30))
    between = decoder.mix_kinds(torch.tensor([1 / KINDS]))
    assert torch.allclose(between[0, :2], torch.tensor([0.5, 0.5]), atol=1e-3)


def test_distance_field_of_a_disc() -> None:
    centres = np.arange(28) - 13.5
    radius = np.hypot(centres, centres[:, None])
    # Soft by a pixel at the edge, as drawn glyphs are.
    disc = np.clip(255 * (8.5 - radius), 0, 255).astype(np.uint8)
    field = distance_fields(disc[None])[0]
    near = np.abs(8 - radius) < 5
    assert np.abs(field - (8 - radius))[near].max() < 0.4


@torch.no_grad()
def test_solved_ink_covers_what_was_asked() -> None:
    torch.manual_seed(3)
    decoder = GlyphDecoder(KINDS, STYLES, SIZE, Levels())
    kinds = torch.eye(KINDS)
    _, field = decoder.shape(kinds, torch.rand(KINDS, STYLES))
    wanted = torch.tensor([0.1, 0.2, 0.3, 0.4])
    pixels = pixel_centres(SIZE)
    ink = solve_ink(decoder, field, wanted, pixels)
    found = decoder.draw(field, ink, pixels).mean(dim=(1, 2))
    assert torch.allclose(found, wanted, atol=0.01)


@torch.no_grad()
def test_polarity_is_free_near_the_middle_only(decoder: GlyphDecoder) -> None:
    """Far from it, the ink is light on dark tiles and dark on light ones, whatever is asked."""
    pixels = pixel_centres(SIZE)
    for tone, free in ((0.1, False), (0.38, False), (0.45, True), (0.55, True), (0.9, False)):
        latents = draw_latents(20, (tone, tone))
        asked = []
        for polarity in (0.0, 1.0):
            latents[:, -1] = polarity
            asked.append(decoder(latents, pixels))
        assert torch.equal(*asked) is not free


@torch.no_grad()
@pytest.mark.parametrize("tone", [0.05, 0.3, 0.5, 0.8])
def test_slopes_raise_the_tone_to_one_side_as_far_as_there_is_room(
    decoder: GlyphDecoder, tone: float
) -> None:
    latents = draw_latents(100, (tone, tone))
    latents[:, -4:-2] = 0.5
    pixels = pixel_centres(SIZE)
    away = pixels - 0.5
    share, most = decoder.levels.shade
    room = min(share * min(tone, 1 - tone), most)
    for axis, wish in ((0, 0.1), (1, -0.2), (0, 0.5)):
        both = []
        for sign in (1, -1):
            latents[:, -4 + axis] = 0.5 + sign * wish
            both.append(decoder(latents, pixels))
            latents[:, -4 + axis] = 0.5
        # What slopes one way less what slopes the other way: glyph and paper cancel out.
        plane = (both[0] - both[1]) / 2
        slope = math.copysign(min(4 * most * abs(wish), 2 * room), wish)
        ramp = (slope * away).expand(SIZE, SIZE)
        wanted = ramp if axis == 0 else ramp.t()
        assert torch.allclose(plane, wanted.expand_as(plane), atol=1e-3)


SIDE = 4


@pytest.fixture
def regressor() -> GlyphRegressor:
    """Untrained, but for its memory of flat patches."""
    torch.manual_seed(4)
    made = GlyphRegressor(KINDS, STYLES, SIDE, (0.05, 0.95), Levels()).eval()
    made.learn_flat_scores()
    return made


@torch.no_grad()
def test_regressor_obeys_a_taste(regressor: GlyphRegressor) -> None:
    patches = torch.rand(40, 1, SIDE, SIDE)
    for kind in range(KINDS):
        taste = torch.zeros(40, KINDS)
        taste[:, kind] = 1e3
        latents = regressor(patches, taste, torch.zeros(1), torch.zeros(40))
        assert torch.allclose(latents[:, 0], torch.tensor((kind + 0.5) / KINDS))
        assert torch.allclose(latents[:, -2], patches.mean(dim=(1, 2, 3)), atol=1e-6)


@torch.no_grad()
def test_flat_patches_are_forgiven(regressor: GlyphRegressor) -> None:
    """With all scores forgiven, the slightest taste decides."""
    flat = (torch.arange(8, 40, 4) / 64)[:, None, None, None].expand(-1, 1, SIDE, SIDE)
    for kind in range(KINDS):
        taste = torch.zeros(len(flat), KINDS)
        taste[:, kind] = 0.02
        latents = regressor(flat, taste, torch.ones(1), torch.zeros(len(flat)))
        assert torch.allclose(latents[:, 0], torch.tensor((kind + 0.5) / KINDS))


@torch.no_grad()
def test_a_wish_moves_the_border_of_polarity(regressor: GlyphRegressor) -> None:
    patches = torch.tensor([0.5, 0.5, 0.5, 0.7])[:, None, None, None].expand(-1, 1, SIDE, SIDE)
    polarity = torch.tensor([-0.1, 0.01, 0.1, -1.0])
    latents = regressor(patches, torch.zeros(4, KINDS), torch.zeros(1), polarity)
    assert latents[:, -1].tolist() == [0, 1, 1, 1]


@torch.no_grad()
def test_slopes_are_those_of_the_patch_as_far_as_there_is_room(regressor: GlyphRegressor) -> None:
    away = pixel_centres(SIDE) - 0.5
    across, down = torch.tensor([0.1, -0.2, 0.0, 1.0]), torch.tensor([0.05, 0.0, 0.0, -1.0])
    planes = across[:, None, None] * away + down[:, None, None] * away[:, None]
    latents = regressor(
        0.3 + planes[:, None], torch.zeros(4, KINDS), torch.zeros(1), torch.zeros(4)
    )
    share, most = regressor.levels.shade
    found = 4 * most * (latents[:, -4:-2] - 0.5)
    room = min(0.3 * share, most)
    wanted = torch.tensor([[0.1, 0.05], [-0.2, 0.0], [0.0, 0.0], [room, -room]])
    assert torch.allclose(found, wanted, atol=1e-5)


@torch.no_grad()
def test_readers_read_what_they_were_shown() -> None:
    """Discs and bars, after a short training, in any guise."""
    torch.manual_seed(5)
    columns = torch.arange(16) - 7.5
    disc = 5 - torch.hypot(columns, columns[:, None])
    bar = 2 - columns.abs().expand(16, 16)
    fields = torch.stack([disc, bar]).repeat(32, 1, 1)
    kinds = torch.tensor([0, 1]).repeat(32)
    readers = Readers(2)
    training = ReaderTraining(readers, torch.sigmoid(fields), fields, kinds, epochs=40)
    with torch.enable_grad():
        losses = [training.one_epoch() for _ in range(40)]
    assert losses[-1] < 0.5 * losses[0]
    shown = shown_any_way(draw_at_any_ink(fields))
    assert readers(shown, kinds) < 0.5 * readers(shown, 1 - kinds)


def test_k_means_finds_heaps() -> None:
    torch.manual_seed(0)
    heaps = torch.tensor([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    points = torch.cat(
        [heap + torch.randn(n, 2) for heap, n in zip(heaps, (30, 20, 10), strict=True)]
    )
    groups = k_means(points, 3)
    assert groups.tolist() == [0] * 30 + [1] * 20 + [2] * 10
    assert k_means(points[:2], 5).tolist() in ([0, 1], [1, 0])


def test_families_are_tight_and_apart() -> None:
    torch.manual_seed(0)
    tight = torch.randn(20, 2) * 0.1
    points = torch.cat([tight, tight + 20, torch.randn(40, 2) * 30 + 100])
    found = families(points, 2, 8)
    assert [len(members) for members in found] == [8, 8]
    assert {int(members[0]) // 20 for members in found} == {0, 1}


@pytest.fixture
def blots(tmp_path: Path) -> Path:
    """A .npz file of discs and bars in two classes."""
    columns = np.arange(16) - 7.5
    distance = np.hypot(columns, columns[:, None])
    images = []
    for number in range(24):
        size = 3 + number % 12 * 0.2
        bar = np.abs(columns[:, None]) < size / 2
        images.append(np.where(bar if number % 2 else distance < size, 255, 0) + 0 * distance)
    path = tmp_path / "blots.npz"
    np.savez(path, images=np.stack(images).astype(np.uint8), labels=np.arange(24) % 2)
    return path


@pytest.mark.parametrize(
    ("textured", "split", "legible"), [(False, 0, 0.1), (False, 2, 0), (True, 2, 0)]
)
def test_a_trained_set_plays(
    blots: Path,
    textured: bool,
    split: int,
    legible: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(glyph_sets, "PATCHES", 500)
    monkeypatch.setattr("export.glyph_training.STEPS", 5)
    recipe = glyph_sets.Recipe(
        "animals",
        Settings(
            steps=5,
            batch_per_kind=4,
            ink_epochs=1,
            regressor_epochs=1,
            regressor_batch=16,
            legible=legible,
            reader_epochs=1,
        ),
        Levels(coverage=None) if textured else Levels(),
        styles=1,
        families=split,
        members=4,
        textured=textured,
        hidden=32,
    )
    cv2.imwrite(str(tmp_path / "photo.png"), np.random.default_rng(0).integers(0, 256, (64, 64, 3)))
    command = ["animals", "--data", str(blots), "--photos", str(tmp_path), "--epochs", "1"]
    _, options = train.parse([*command, "--threads", "1"])
    glyph_sets.train(recipe, load_tiles("animals", blots), options)
    sidecar = json.loads(Path("models/animals/tileset.json").read_text())
    if split:
        assert sidecar["kinds"] == 4
        assert sidecar["classes"] == ["bear", "bear", "bird", "bird"]
    assert Path("models/animals/manifold.png").is_file()
    ramp = np.tile(np.linspace(0, 255, 160), (80, 1)).astype(np.uint8)
    frame = np.dstack([ramp] * 3)
    mosaic = MosaicFilter.load("models/animals", columns=10, tile_size=16, stabilise=False)(frame)
    means = mosaic[..., 0].reshape(5, 16, 10, 16).mean(axis=(0, 1, 3))
    assert np.abs(means - ramp[0].reshape(10, 16).mean(axis=1))[1:-1].max() < 4
