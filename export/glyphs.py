"""Networks of a *glyph* tile set: shapes of one ink on paper, such as digits or silhouettes.

Ink is kept apart from shape. The decoder gives a signed distance field of the glyph; where the
field plus an offset, the ink, is above zero there is ink. So a glyph can be drawn thin or bold,
crisp at any size, and its mean tone is met exactly: first by ink, then by the levels of ink and
paper. Signed distance fields for glyphs: Green, "Improved Alpha-Tested Magnification", 2007.

Shape is (kind, style...): the kinds (the ten digits, say) lie side by side along the first latent,
each with the same dense square of styles. Kinds change into each other within a few per cent of
the way, so that nearly every latent drawn at random is a legible glyph.

Latents [N, 1 + styles + 2], all 0..1, in this order: kind, style..., tone, polarity.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from export.networks_common import resample, triangle_weights

FIELD_SCALE = 8.0  # pixels of distance at which the network's output is 1
MIDDLE_TONES = (0.3, 0.5)  # between them, middle tones begin; above, polarity turns them round
FLAT_TONES = 33  # knots at which the scores of flat patches are noted
HIDDEN = 160  # what a field is drawn from
KIND_STEEPNESS = 60.0  # leaves 5 % of the way along the kinds to mixtures of two


@dataclass(frozen=True)
class Levels:
    """How a tone becomes ink, chosen for calm where that leaves glyphs legible.

    Attributes:
        coverage: least and greatest share of the tile that is inked; what tone asks beyond it
            is met by a dimmer ink below and a lighter paper above. None leaves shapes as they
            are, and all of the tone to the levels.
        ink: tone of full ink on black paper, 0..1; below 1 the mosaic is calmer.
        middle: coverage at middle tones, where light paper takes the contrast that ink needs.
        edge: steepness of the ink's edge, per pixel of the tile that is drawn.
    """

    coverage: tuple[float, float] | None = (0.13, 0.20)
    ink: float = 0.92
    middle: float = 0.25
    edge: float = 2.5

    def at(self, tone: Tensor) -> tuple[Tensor, Tensor]:
        """Coverage and tone of full ink of light tiles of mean `tone` [N], [N] each.

        Where shapes are left as they are, coverage says nothing.
        """
        midness = ((tone - MIDDLE_TONES[0]) / (MIDDLE_TONES[1] - MIDDLE_TONES[0])).clamp(0, 1)
        ink = self.ink + (1 - self.ink) * midness
        if self.coverage is None:
            return torch.ones_like(tone), ink
        coverage = (tone / self.ink).clamp(*self.coverage)
        return coverage + (self.middle - self.coverage[1]) * midness, ink


class GlyphEncoder(nn.Module):
    """Distance field, texture if any, and kind -> style; used in training only."""

    def __init__(self, kinds: int, styles: int, size: int, textured: bool = False) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear((1 + textured) * size * size + kinds, 256),
            nn.SiLU(),
            nn.Linear(256, 128),
            nn.SiLU(),
            nn.Linear(128, styles),
            nn.Sigmoid(),
        )

    def forward(self, fields: Tensor, textures: Tensor | None, kinds: Tensor) -> Tensor:
        """[N, t, t] fields in pixels, textures, [N, K] one-hot kinds -> [N, S] styles in 0..1."""
        looks = [fields.flatten(1) / FIELD_SCALE, kinds]
        if textures is not None:
            looks.insert(1, textures.flatten(1))
        styles: Tensor = self.layers(torch.cat(looks, dim=1))
        return styles


class GlyphDecoder(nn.Module):
    """Latents -> tiles, by way of a distance field and, for pictures with an inside, a texture."""

    kind_centres: Tensor

    def __init__(
        self,
        kinds: int,
        styles: int,
        size: int,
        levels: Levels,
        *,
        hidden: int = HIDDEN,
        textured: bool = False,
    ) -> None:
        super().__init__()
        self.kinds, self.styles, self.size, self.levels = kinds, styles, size, levels
        self.trunk = nn.Sequential(
            nn.Linear(kinds + styles, 96), nn.SiLU(), nn.Linear(96, hidden), nn.SiLU()
        )
        self.to_field = nn.Linear(hidden, size * size)
        self.to_ink = nn.Sequential(nn.Linear(hidden + 2, 32), nn.SiLU(), nn.Linear(32, 1))
        self.to_texture = nn.Linear(hidden, size * size) if textured else None
        self.register_buffer("kind_centres", torch.arange(kinds) + 0.5)

    def shape(self, kinds: Tensor, styles: Tensor) -> tuple[Tensor, Tensor]:
        """[N, K] kinds (each row adds up to 1), [N, S] styles -> hidden [N, H], field [N, t, t].

        The field is the distance to the edge of the glyph in pixels, positive inside.
        """
        hidden: Tensor = self.trunk(torch.cat([kinds, 2 * styles - 1], dim=1))
        field = FIELD_SCALE * self.to_field(hidden)
        return hidden, field.view(-1, self.size, self.size)

    def texture(self, hidden: Tensor) -> Tensor:
        """How light each pixel of the inside is, 0..1, [N, t, t]; 1 for sets without texture."""
        if self.to_texture is None:
            return torch.ones(1, self.size, self.size)
        return torch.sigmoid(self.to_texture(hidden)).view(-1, self.size, self.size)

    def mix_kinds(self, coordinate: Tensor) -> Tensor:
        """[N] kind latent 0..1 -> [N, K] weights: one kind, or two next to a border."""
        distance = coordinate.unsqueeze(1) * self.kinds - self.kind_centres
        return torch.softmax(-KIND_STEEPNESS * distance * distance, dim=1)

    def ink(self, hidden: Tensor, coverage: Tensor) -> Tensor:
        """Offset in pixels that inks about `coverage` [N] of the tile, [N]."""
        inputs = torch.cat([hidden, coverage.unsqueeze(1), coverage.log().unsqueeze(1)], dim=1)
        offset: Tensor = self.to_ink(inputs).squeeze(1)
        return offset

    def draw(self, field: Tensor, ink: Tensor, pixels: Tensor) -> Tensor:
        """[N, t, t] field, [N] ink, [T] pixel centres -> [N, T, T] coverage of each pixel."""
        field = resample(field, triangle_weights(pixels, self.size))
        scale = torch.ones_like(pixels).sum() / self.size  # drawn pixels per pixel of the field
        return torch.sigmoid((field + ink[:, None, None]) * scale * self.levels.edge)

    def forward(self, latents: Tensor, pixels: Tensor) -> Tensor:
        """Latents [N, D] and `pixel_centres(T)` -> tiles [N, T, T] float32 0..1."""
        tone, dark = latents[:, -2], (latents[:, -1] > 0.5).to(latents.dtype)
        light_tone = tone + dark * (1 - 2 * tone)  # of the tile before it is inverted
        hidden, field = self.shape(self.mix_kinds(latents[:, 0]), latents[:, 1:-2])
        tiles = self.light_tiles(hidden, field, light_tone, pixels)
        return tiles + dark[:, None, None] * (1 - 2 * tiles)

    def light_tiles(self, hidden: Tensor, field: Tensor, tone: Tensor, pixels: Tensor) -> Tensor:
        """Light glyphs on dark paper, [N, T, T], the mean of each exactly `tone` [N]."""
        coverage, full_ink = self.levels.at(tone)
        natural = self.levels.coverage is None
        ink = torch.zeros_like(tone) if natural else self.ink(hidden, coverage)
        glyph = self.draw(field, ink, pixels)
        if self.to_texture is not None:
            weights = triangle_weights(pixels, self.size)
            glyph = glyph * resample(self.texture(hidden), weights)
        share = glyph.mean(dim=(1, 2))
        paper = ((tone - share * full_ink) / (1 - share)).clamp(0.0, 1.0)
        lit = ((tone - paper * (1 - share)) / share.clamp(min=1e-4)).clamp(0.0, 1.0)
        tiles = paper[:, None, None] + (lit - paper)[:, None, None] * glyph
        return tiles.clamp(0.0, 1.0)  # rounding may leave the range


class GlyphRegressor(nn.Module):
    """Patches -> latents: a style for every kind, and how well each kind would fit."""

    kind_index: Tensor
    flat_scores: Tensor

    def __init__(
        self, kinds: int, styles: int, patch_size: int, tone_range: tuple[float, float]
    ) -> None:
        super().__init__()
        self.kinds, self.styles, self.tone_range = kinds, styles, tone_range
        self.pixels = patch_size**2
        self.layers = nn.Sequential(
            nn.Linear(self.pixels + 1, 64),
            nn.SiLU(),
            nn.Linear(64, 64),
            nn.SiLU(),
            nn.Linear(64, kinds * (styles + 1)),
        )
        self.register_buffer("kind_index", torch.arange(kinds))
        self.register_buffer("flat_scores", torch.zeros(FLAT_TONES, kinds))

    @torch.no_grad()
    def learn_flat_scores(self) -> None:
        """Note what every kind scores on flat patches of every tone; call after training."""
        tones = torch.linspace(0, 1, FLAT_TONES)
        _, self.flat_scores = self.propose(tones[:, None].expand(-1, self.pixels))

    def flat_score(self, tone: Tensor) -> Tensor:
        """What every kind scores on a flat patch of this tone, [N] -> [N, K], interpolated."""
        knots = torch.arange(FLAT_TONES, device=tone.device) / (FLAT_TONES - 1)
        distance = (tone[:, None] - knots).abs() * (FLAT_TONES - 1)
        return (1 - distance).clamp(min=0) @ self.flat_scores

    def propose(self, light: Tensor) -> tuple[Tensor, Tensor]:
        """Light-polarity patches [N, P * P] -> styles [N, K, S] in 0..1, scores [N, K]."""
        mean = light.mean(dim=1, keepdim=True)
        out = self.layers(torch.cat([4 * (light - mean), 2 * mean], dim=1))
        scores, styles = out[:, : self.kinds], out[:, self.kinds :]
        return torch.sigmoid(styles).view(-1, self.kinds, self.styles), scores

    def forward(self, patches: Tensor, preference: Tensor) -> Tensor:
        """Choose the kind that fits best and prefers best, and its style.

        Args:
            patches: [N, 1, P, P] float32 0..1.
            preference: [N, K + 2] float32. The first K are added to the scores of the kinds. The
                next is how far to forgive kinds what they score on a flat patch, 0..1: at 1 only
                structure decides, and where there is none the kinds are equal. The last is added
                to the tone before it is compared with one half to choose the polarity.
                Zeros give the most faithful picture.

        Returns:
            latents [N, 1 + S + 2] float32 0..1.
        """
        pixels = patches.flatten(1)
        mean = pixels.mean(dim=1)
        dark = (mean + preference[:, -1] > 0.5).to(pixels.dtype)
        light = (dark[:, None] - pixels).abs()
        styles, scores = self.propose(light)
        forgiven = preference[:, -2:-1] * self.flat_score(light.mean(dim=1))
        chosen = (scores - forgiven + preference[:, :-2]).argmax(dim=1)
        picked = torch.eq(chosen[:, None], self.kind_index).to(pixels.dtype)
        style = (styles * picked[:, :, None]).sum(dim=1)
        kind = (chosen.to(pixels.dtype) + 0.5) / self.kinds
        tone = mean.clamp(*self.tone_range)
        return torch.cat([kind[:, None], style, tone[:, None], dark[:, None]], dim=1)
