"""Train a glyph tile set: autoencoder of distance fields, ink, then the regressor.

Three trainings, each with the earlier networks frozen, each resumable:

1. shapes, on the pictures: encoder and decoder redraw every glyph at any ink from its kind and
   style, with the styles of each kind spread evenly over the square (a dense latent space), and
   readers, trained before, read what is drawn at random styles;
2. ink, on drawn latents: the offset that inks a wanted share of the tile;
3. regressor, on patches of photographs, through the frozen decoder.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional
from torch.optim.lr_scheduler import OneCycleLR
from tqdm import trange

from export.glyphs import FIELD_SCALE, GlyphDecoder, GlyphEncoder, GlyphRegressor
from export.networks_common import pixel_centres
from export.reader import Readers, draw_at_any_ink, shown_any_way
from export.training import step

UPSAMPLING = 4  # distances are measured on a finer grid: the edge lies between pixels
COVERAGE = (0.05, 0.45)  # learned, so that the levels in use can be chosen within afterwards
READ = 12  # tiles of each kind that readers are shown with every batch
STEPS = 250  # batches in what counts as an epoch where there is no end of data


@dataclass(frozen=True)
class Settings:
    """What a glyph training does; the defaults make `digits`.

    Attributes:
        epochs: of the shapes' training.
        steps: batches in an epoch of it; 0 is a pass over the pictures.
        batch_per_kind: pictures of each kind in a batch; equal, so that rare kinds count as much.
        latent_noise: standard deviation on the styles, so that neighbours look alike.
        spread: weight of the sliced-Wasserstein term that spreads the styles evenly.
        legible: weight of how hard random shapes are to read; 0 does without readers.
        reader_epochs: of the readers' training.
        ink_epochs: of `STEPS` batches.
        regressor_epochs: of `STEPS` batches.
        regressor_batch: patches in each.
        score_scale: score per mean squared error; sets what one unit of taste is worth.
    """

    epochs: int = 40
    steps: int = 0
    batch_per_kind: int = 50
    latent_noise: float = 0.02
    spread: float = 0.5
    legible: float = 0.1
    reader_epochs: int = 3
    ink_epochs: int = 6
    regressor_epochs: int = 12
    regressor_batch: int = 256
    score_scale: float = 100.0


def distance_fields(images: npt.NDArray[np.uint8], threshold: int = 127) -> npt.NDArray[np.float32]:
    """Signed distance of every pixel centre to the edge of the glyph, in pixels, inside positive.

    Args:
        images: [N, t, t] uint8, bright glyph on black.
        threshold: what is brighter lies inside.

    Returns:
        [N, t, t] float32, clipped to +-`FIELD_SCALE`.
    """
    size = images.shape[1]
    fields = np.empty(images.shape, np.float32)
    fine = (size * UPSAMPLING, size * UPSAMPLING)
    for field, image in zip(fields, images, strict=True):
        inside = (cv2.resize(image, fine, interpolation=cv2.INTER_CUBIC) > threshold).astype(
            np.uint8
        )
        distance = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
        distance -= cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
        field[:] = cv2.resize(distance, (size, size), interpolation=cv2.INTER_AREA) / UPSAMPLING
    return np.clip(fields, -FIELD_SCALE, FIELD_SCALE)


@dataclass(frozen=True)
class Glyphs:
    """What shapes are learned from.

    Attributes:
        fields: [N, t, t] distances to the edge, in pixels.
        kinds: [N] int64.
        textures: [N, t, t] lightness of the inside, 0..1; None where it is all alike.
    """

    fields: Tensor
    kinds: Tensor
    textures: Tensor | None = None


def sliced_wasserstein(styles: Tensor, directions: int = 8) -> Tensor:
    """Distance of each kind's styles [K, B, S] to the uniform distribution.

    Source: Kolouri et al., "Sliced-Wasserstein Autoencoder", 2018.
    """
    lines = functional.normalize(torch.randn(directions, styles.shape[2]), dim=1)
    wanted = (torch.rand_like(styles) @ lines.t()).sort(dim=1).values
    return ((styles @ lines.t()).sort(dim=1).values - wanted).square().mean()


class ShapeTraining:
    """Encoder and decoder, on the distance fields of the pictures."""

    def __init__(
        self,
        encoder: GlyphEncoder,
        decoder: GlyphDecoder,
        glyphs: Glyphs,
        settings: Settings,
        readers: Readers | None = None,
    ) -> None:
        """Prepare to train on `glyphs`; with `readers`, which stay as they are, for legibility."""
        self.encoder, self.decoder = encoder, decoder
        self.readers = readers.requires_grad_(False) if readers is not None else None
        self.random_kinds = torch.arange(decoder.kinds).repeat_interleave(READ)
        self.glyphs, self.settings = glyphs, settings
        fields, kinds = glyphs.fields, glyphs.kinds
        self.members = [torch.where(kinds == kind)[0] for kind in range(decoder.kinds)]
        self.one_hot = torch.eye(decoder.kinds).repeat_interleave(settings.batch_per_kind, dim=0)
        self.steps = settings.steps or max(1, len(fields) // len(self.one_hot))
        weights = [*encoder.parameters(), *decoder.trunk.parameters()]
        weights += [*decoder.to_field.parameters()]
        if decoder.to_texture is not None:
            weights += [*decoder.to_texture.parameters()]
        self.optimiser = torch.optim.AdamW(weights, 2e-3)
        self.schedule = OneCycleLR(self.optimiser, 3e-3, total_steps=settings.epochs * self.steps)

    def one_epoch(self) -> float:
        """Train once over the pictures and return the mean loss."""
        total = 0.0
        for _ in trange(self.steps, desc="shapes", leave=False, disable=None):
            count = self.settings.batch_per_kind
            drawn = [member[torch.randint(len(member), (count,))] for member in self.members]
            loss = self._loss(torch.cat(drawn))
            total += step(loss, self.optimiser, self.schedule)
        return total / self.steps

    def _loss(self, drawn: Tensor) -> Tensor:
        fields, textures = self.glyphs.fields[drawn], self.glyphs.textures
        textures = None if textures is None else textures[drawn]
        styles = self.encoder(fields, textures, self.one_hot)
        noisy = styles + self.settings.latent_noise * torch.randn_like(styles)
        hidden, redrawn = self.decoder.shape(self.one_hot, noisy.clamp(0, 1))
        redrawn = FIELD_SCALE * redrawn
        ink = torch.rand(len(fields), 1, 1) * 3 - 1
        # Softer edges than those drawn later: a gradient must reach pixels beside the edge too.
        wrong_ink = torch.sigmoid((redrawn + ink) * 1.5) - torch.sigmoid((fields + ink) * 1.5)
        spread = sliced_wasserstein(styles.view(self.decoder.kinds, -1, self.decoder.styles))
        wrong_field = (redrawn - fields).square().mean()
        loss = wrong_ink.square().mean() + 0.002 * wrong_field + self.settings.spread * spread
        if self.readers is not None:
            loss = loss + self.settings.legible * self._illegible(self.readers)
        if textures is None:
            return loss
        inside = torch.sigmoid(fields * 1.5)
        wrong_texture = inside * (self.decoder.texture(hidden) - textures)
        return loss + wrong_texture.square().mean()

    def _illegible(self, readers: Readers) -> Tensor:
        """How hard tiles of random styles are to read."""
        kinds = self.random_kinds
        styles = torch.rand(len(kinds), self.decoder.styles)
        one_hot = functional.one_hot(kinds, self.decoder.kinds).to(styles.dtype)
        _, field = self.decoder.shape(one_hot, styles)
        loss: Tensor = readers(shown_any_way(draw_at_any_ink(FIELD_SCALE * field)), kinds)
        return loss


class InkTraining:
    """The decoder's ink: which offset of the field inks which share of the tile."""

    def __init__(self, decoder: GlyphDecoder, settings: Settings) -> None:
        """Prepare to train `decoder.to_ink`; the rest of the decoder stays as it is."""
        self.decoder = decoder
        self.optimiser = torch.optim.Adam(decoder.to_ink.parameters(), 3e-3)
        self.schedule = OneCycleLR(self.optimiser, 5e-3, total_steps=settings.ink_epochs * STEPS)
        self.pixels = pixel_centres(decoder.size)

    def one_epoch(self) -> float:
        """Train on drawn shapes and return the mean error in pixels."""
        total = 0.0
        for _ in trange(STEPS, desc="ink", leave=False, disable=None):
            with torch.no_grad():
                kinds = self.decoder.mix_kinds(torch.rand(64))
                hidden, field = self.decoder.shape(kinds, torch.rand(64, self.decoder.styles))
                coverage = torch.empty(64).uniform_(*COVERAGE)
                wanted = solve_ink(self.decoder, field, coverage, self.pixels)
            loss = (self.decoder.ink(hidden, coverage) - wanted).abs().mean()
            total += step(loss, self.optimiser, self.schedule)
        return total / STEPS


class RegressorTraining:
    """The regressor, on patches of photographs, through the frozen decoder.

    Every kind gets the style with which its tile, seen from afar, is most like the patch, and a
    score that foretells how like. So the choice among kinds stays open until the mosaic is made.
    """

    def __init__(
        self,
        regressor: GlyphRegressor,
        decoder: GlyphDecoder,
        patches: Tensor,
        settings: Settings,
    ) -> None:
        """Prepare to train on `patches` [N, 1, P, P] float32 0..1, P a multiple of 4."""
        self.regressor, self.decoder = regressor, decoder.requires_grad_(False)
        self.patches, self.settings = patches, settings
        self.optimiser = torch.optim.AdamW(regressor.parameters(), 2e-3)
        total = settings.regressor_epochs * STEPS
        self.schedule = OneCycleLR(self.optimiser, 3e-3, total_steps=total)

    def one_epoch(self) -> float:
        """Train on `STEPS` random batches and return the mean loss."""
        total = 0.0
        for _ in trange(STEPS, desc="regressor", leave=False, disable=None):
            drawn = torch.randint(len(self.patches), (self.settings.regressor_batch,))
            loss = self._loss(self.patches[drawn].flatten(1))
            total += step(loss, self.optimiser, self.schedule)
        return total / STEPS

    def _loss(self, pixels: Tensor) -> Tensor:
        dark = (pixels.mean(dim=1, keepdim=True) > 0.5).to(pixels.dtype)
        light = (dark - pixels).abs()
        styles, scores = self.regressor.propose(light)
        # Two random kinds a patch instead of all: five times as many patches in the same time.
        pick = torch.rand_like(scores).topk(2, dim=1).indices
        kind = functional.one_hot(pick, self.decoder.kinds).to(pixels.dtype)
        style = (styles[:, None] * kind[..., None]).sum(dim=2)
        tone = pixels_tone(light, self.regressor.tone_range).repeat_interleave(2)
        slopes = (self.regressor.plane[1:] @ light.t()).repeat_interleave(2, dim=1)
        wanted = seen_from_afar(light).repeat_interleave(2, dim=0)
        found = tiles_from_afar(self.decoder, kind.flatten(0, 1), style.flatten(0, 1), tone, slopes)
        misfit = self.settings.score_scale * (found - wanted).square().mean(dim=1)
        wrong_score = (scores.gather(1, pick).flatten() + misfit.detach()).square().mean()
        return misfit.mean() + 0.1 * wrong_score


def solve_ink(decoder: GlyphDecoder, field: Tensor, coverage: Tensor, pixels: Tensor) -> Tensor:
    """The ink [N] at which the fields [N, t, t] cover `coverage` [N], by bisection."""
    low, high = torch.full_like(coverage, -6.0), torch.full_like(coverage, 12.0)
    for _ in range(12):
        middle = (low + high) / 2
        below = decoder.draw(field, middle, pixels).mean(dim=(1, 2)) < coverage
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return (low + high) / 2


def pixels_tone(pixels: Tensor, tone_range: tuple[float, float]) -> Tensor:
    """Mean of each patch [N, P * P], within what tiles can show, [N]."""
    return pixels.mean(dim=1).clamp(*tone_range)


def seen_from_afar(pixels: Tensor) -> Tensor:
    """Squares [N, s * s] averaged down to 4 x 4 pixels, [N, 16]; s is a multiple of 4."""
    side = round(pixels.shape[1] ** 0.5)
    return functional.avg_pool2d(pixels.view(-1, 1, side, side), side // 4).flatten(1)


def tiles_from_afar(
    decoder: GlyphDecoder, kinds: Tensor, styles: Tensor, tone: Tensor, slopes: Tensor
) -> Tensor:
    """Light tiles at 4 x 4 pixels, [N, 16], of [N, K] kinds, [N, S] styles, tone, [2, N] slopes."""
    hidden, field = decoder.shape(kinds, styles)
    light = torch.zeros_like(tone)
    tiles = decoder.tiles(hidden, field, tone, slopes, pixel_centres(decoder.size), light)
    return seen_from_afar(tiles.flatten(1))
