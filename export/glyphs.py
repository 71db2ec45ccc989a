"""Networks of a *glyph* tile set: shapes of one ink on paper, such as digits or silhouettes.

Ink is kept apart from shape. The decoder gives a signed distance field of the glyph; where the
field plus an offset, the ink, is above zero there is ink. So a glyph can be drawn thin or bold,
crisp at any size, and its mean tone is met exactly: first by ink, then by the levels of ink and
paper. Signed distance fields for glyphs: Green, "Improved Alpha-Tested Magnification", 2007.

Shape is (kind, style...): the kinds (the ten digits, say) lie side by side along the first latent,
each with the same dense square of styles. Kinds change into each other within a few per cent of
the way, so that nearly every latent drawn at random is a legible glyph.

A tile may be shaded: a plane is added to it, so that its tone rises or falls across it as that of
its cell does. Ink and paper leave the plane room, so nothing is clipped and the mean stays exact.

Latents [N, 1 + styles + 2 + 2], all 0..1, in this order: kind, style..., rise to the right, rise
downwards (both level at 0.5), tone, polarity. Polarity counts near the middle tones alone: lighter
tiles have dark ink and darker ones light ink whatever it says, so every latent is a legible tile.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from export.networks_common import pixel_centres, resample, triangle_weights

FIELD_SCALE = 8.0  # pixels of distance that the decoder's fields are counted in
MIDDLE_TONES = (0.3, 0.5)  # between them, middle tones begin; above, polarity turns them round
FLAT_TONES = 65  # at which the scores of flat patches are noted
HIDDEN_UNITS = 24  # of each of the regressor's layers: more cost time and hardly fit better
HIDDEN = 160  # what a field is drawn from
KIND_STEEPNESS = 60.0  # leaves 5 % of the way along the kinds to mixtures of two
SPARE = 2.5 / 255  # room left beyond what shading takes, for those who round it
POLARITY_REACH = 0.1  # tone from the middle within which polarity is free


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
        shade: how far shading may take the corners of a tile from its mean tone: as a share of
            that tone, and at most. A slope latent of 0 or 1 alone reaches the latter.
    """

    coverage: tuple[float, float] | None = (0.13, 0.20)
    ink: float = 0.92
    middle: float = 0.24
    edge: float = 2.5
    shade: tuple[float, float] = (0.4, 0.10)

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

    def shading(self, tone: Tensor, slopes: Tensor) -> tuple[Tensor, Tensor]:
        """Slopes [2, N] as far as light tiles of mean `tone` [N] have room, and their reach [N].

        The reach is how far the shading leads away from the mean, in the corners.
        """
        wanted = slopes.abs().sum(dim=0) / 2
        room = (self.shade[0] * tone).clamp(max=self.shade[1])
        reach = torch.minimum(wanted, room)
        return slopes * (reach / wanted.clamp(min=1e-6)), reach


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

        The field is the distance to the edge of the glyph, positive inside, in `FIELD_SCALE`
        pixels.
        """
        hidden: Tensor = self.trunk(torch.cat([kinds, 2 * styles - 1], dim=1))
        return hidden, self.to_field(hidden).view(-1, self.size, self.size)

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
        """[N, t, t] field, [N] ink in pixels, [T] centres -> [N, T, T] coverage of each pixel."""
        weights = triangle_weights(pixels, self.size)
        scale = torch.ones_like(pixels).sum() / self.size  # drawn pixels per pixel of the field
        steepness = scale * self.levels.edge
        # Factors go where there are few numbers to multiply: half of the time is spent on these.
        steep = torch.matmul(torch.matmul(weights, field), (FIELD_SCALE * steepness * weights).t())
        return torch.sigmoid(steep + (steepness * ink)[:, None, None])

    def forward(self, latents: Tensor, pixels: Tensor) -> Tensor:
        """Latents [N, D] and `pixel_centres(T)` -> tiles [N, T, T] float32 0..1."""
        tone = latents[:, -2]
        dark = (tone + POLARITY_REACH * (2 * latents[:, -1] - 1) > 0.5).to(latents.dtype)
        light_tone = tone + dark * (1 - 2 * tone)  # of the tile before it is inverted
        slopes = 4 * self.levels.shade[1] * (latents[:, -4:-2].t() - 0.5)
        hidden, field = self.shape(self.mix_kinds(latents[:, 0]), latents[:, 1:-4])
        return self.tiles(hidden, field, light_tone, slopes, pixels, dark)

    def tiles(
        self,
        hidden: Tensor,
        field: Tensor,
        tone: Tensor,
        slopes: Tensor,
        pixels: Tensor,
        dark: Tensor,
    ) -> Tensor:
        """Light glyphs on dark paper or the inverse of that, [N, T, T].

        Args:
            hidden: [N, H] and
            field: [N, t, t] as from `shape`.
            tone: [N], the mean of each light tile, exactly.
            slopes: [2, N] rise of the tone from the left edge to the right, and from the upper
                to the lower; as much of it as there is room for.
            pixels: [T] centres.
            dark: [N], 1 where the light tile is to be inverted, but for its slopes, else 0.
        """
        coverage, full_ink = self.levels.at(tone)
        natural = self.levels.coverage is None
        ink = torch.zeros_like(tone) if natural else self.ink(hidden, coverage)
        glyph = self.draw(field, ink, pixels)
        if self.to_texture is not None:
            weights = triangle_weights(pixels, self.size)
            glyph = glyph * resample(self.texture(hidden), weights)
        slopes, reach = self.levels.shading(tone, slopes)
        share = glyph.mean(dim=(1, 2))
        room = reach + (2 * reach).clamp(max=SPARE)
        full_ink = torch.minimum(full_ink, 1 - room)
        paper = torch.maximum((tone - share * full_ink) / (1 - share), room)
        lit = (tone - paper * (1 - share)) / share.clamp(min=1e-4)
        lit = torch.minimum(lit.clamp(min=0.0), 1 - room)
        turn = 1 - 2 * dark
        across, down = (slopes[:, :, None] * (pixels - 0.5)).unbind()
        down = down + (dark + turn * paper)[:, None]
        tiles = (across[:, None, :] + down[:, :, None]) + (turn * (lit - paper))[
            :, None, None
        ] * glyph
        return tiles.clamp(0.0, 1.0)  # rounding may leave the range


class GlyphRegressor(nn.Module):
    """Patches -> latents: how well each kind would fit, in which style, and what the eye sees."""

    flat_scores: Tensor
    plane: Tensor

    def __init__(
        self,
        kinds: int,
        styles: int,
        patch_size: int,
        tone_range: tuple[float, float],
        levels: Levels,
    ) -> None:
        super().__init__()
        self.kinds, self.styles, self.tone_range, self.levels = kinds, styles, tone_range, levels
        self.pixels = patch_size**2
        self.layers = nn.Sequential(
            nn.Linear(self.pixels, HIDDEN_UNITS),
            nn.ReLU(),
            nn.Linear(HIDDEN_UNITS, HIDDEN_UNITS),
            nn.ReLU(),
        )
        self.to_scores = nn.Linear(HIDDEN_UNITS, kinds)
        self.to_styles = nn.Linear(HIDDEN_UNITS, styles * kinds)
        self.register_buffer("flat_scores", torch.zeros(FLAT_TONES, kinds))
        self.register_buffer("plane", plane_of(patch_size), persistent=False)

    @torch.no_grad()
    def learn_flat_scores(self) -> None:
        """Note what every kind scores on flat patches of every tone; call after training."""
        tones = torch.linspace(0, 1, FLAT_TONES)
        _, self.flat_scores = self.propose(tones[:, None].expand(-1, self.pixels))

    def propose(self, light: Tensor) -> tuple[Tensor, Tensor]:
        """Light-polarity patches [N, P * P] -> styles [N, K, S] in 0..1, scores [N, K]."""
        hidden = self.layers(light)
        styles = torch.sigmoid(self.to_styles(hidden)).view(-1, self.styles, self.kinds)
        return styles.transpose(1, 2), self.to_scores(hidden)

    def forward(
        self, patches: Tensor, taste: Tensor, forgiveness: Tensor, polarity: Tensor
    ) -> Tensor:
        """Choose the kind that fits best and is wanted most, and its style.

        With all three wishes zero, this gives the most faithful picture. What is one number a
        patch is worked out in rows of N, not in columns: the graph takes half the time so.

        Args:
            patches: [N, 1, P, P] float32 0..1.
            taste: [N, K] float32, added to the scores of the kinds.
            forgiveness: [1] float32 0..1, how far to forgive kinds what they score on a flat
                patch: at 1 only structure decides, and where there is none the kinds are equal.
            polarity: [N] float32, added to the tone before it is compared with one half; counts
                up to `POLARITY_REACH`.

        Returns:
            latents [N, 1 + S + 4] float32 0..1.
        """
        rows = patches.flatten(1).t()  # [P * P, N]
        to_latent = 1 / (4 * self.levels.shade[1])
        plane = torch.cat([self.plane[:1], to_latent * self.plane[1:]])
        mean, slopes = torch.split(torch.matmul(plane, rows), [1, 2])
        bias = polarity.clamp(-POLARITY_REACH, POLARITY_REACH)
        dark = (mean + bias > 0.5).to(rows.dtype)
        tone = mean.clamp(*self.tone_range)
        light_tone = (dark - tone).abs()
        hidden = self.layers((dark - rows).abs().t())
        flat = forgiveness * self.flat_scores
        scores = self.to_scores(hidden) - flat[(light_tone[0] * (FLAT_TONES - 1)).long()]
        chosen = (scores + taste).argmax(dim=1, keepdim=True).t()
        places = chosen + self.kinds * torch.arange(self.styles)[:, None]
        styles = torch.sigmoid(self.to_styles(hidden).t().gather(0, places))
        room = light_tone * (self.levels.shade[0] * 2 * to_latent)
        wanted = slopes.abs().sum(dim=0).clamp(min=1e-6)
        slopes = slopes * (room.clamp(max=0.5) / wanted).clamp(max=1.0) + 0.5
        centres = (torch.arange(self.kinds) + 0.5) / self.kinds
        return torch.cat([centres[chosen], styles, slopes, tone, dark]).t()


def plane_of(side: int) -> Tensor:
    """What turns a patch [P * P] into its mean and its slopes to the right and downwards.

    By least squares: the plane that is nearest to the patch. [3, P * P].
    """
    away = pixel_centres(side) - 0.5
    across = away.repeat(side, 1)
    slopes = torch.stack([across, across.t()]).flatten(1)
    return torch.cat([torch.full((1, side * side), 1 / side**2), slopes / slopes[0].square().sum()])
