"""Networks of a *picture* tile set: small pictures in colour, such as emoji or a user's photos.

The decoder holds the pictures as weights, sorted into kinds by their looks; where they are things
on plain ground, with the ground taken away. It lays the thing on paper and solves the paper's
colour, then a gain and an offset for each channel, so that the mean colour of every tile is
exactly the wanted one. Nothing is clipped.

Latents [N, 2 + 3], all 0..1, in this order: kind, member of the kind, mean blue, green, red.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from export.networks_common import triangle_weights

AFAR = 4  # pixels along one side of a tile as it is compared with a patch
FORGIVENESS = 0.85  # share of their misfit on flat patches that kinds are forgiven, at most
PALE = 0.9  # paper on which cut-outs are shown
TASTE = 7.0  # what one unit of taste is worth in scores


class PictureDecoder(nn.Module):
    """Latents -> tiles in colour."""

    book: Tensor
    shelves: Tensor

    def __init__(self, book: Tensor, shelves: Tensor, reach: float = 1.0) -> None:
        """Hold pictures.

        Args:
            book: [M, C, t, t] uint8; C is 3 (BGR), or 4 for cut-outs: BGR times cover, cover.
            shelves: [K, L] int64, the pictures of every kind, in the order of the second latent.
            reach: see `solve_levels`.
        """
        super().__init__()
        self.reach = reach
        self.channels, self.size = book.shape[1], book.shape[2]
        self.kinds, self.members = shelves.shape
        self.register_buffer("book", book.flatten(1))
        self.register_buffer("shelves", shelves.flatten())

    def choose(self, latents: Tensor) -> Tensor:
        """Latents [N, D] -> numbers of pictures [N] int64."""
        kind = (latents[:, 0] * self.kinds).long().clamp(max=self.kinds - 1)
        member = (latents[:, 1] * self.members).long().clamp(max=self.members - 1)
        return self.shelves[kind * self.members + member]

    def levels(self, means: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Means [..., C] of pictures, wanted colours [..., 3] -> paper, gain, offset [..., 3]."""
        body = means[..., :3]
        # Shaped as what comes in, not as what was chosen, so that its size is known beforehand.
        cover = means[..., 3:] if self.channels == 4 else torch.ones_like(wanted[..., :1])
        return solve_levels(body, cover, wanted, self.reach)

    @torch.no_grad()
    def natural(self, latents: Tensor) -> Tensor:
        """The mean colours [N, 3] at which pictures keep their colours, cut-outs on pale paper."""
        pictures = self.book[self.choose(latents)].view(len(latents), self.channels, -1)
        means = pictures.float().mean(dim=2) / 255
        body = means[:, :3]
        if self.channels == 3:
            return body
        cover = means[:, 3:]
        # Paper that must be near the tile's colour has the picture's own.
        return body + (1 - cover) * PALE if self.reach >= 1 else body / cover.clamp(min=1e-3)

    def forward(self, latents: Tensor, pixels: Tensor) -> Tensor:
        """Latents [N, 5] and `pixel_centres(T)` -> tiles [N, T, T, 3] BGR float32 0..1."""
        # Each picture is resized once, however many tiles show it.
        chosen, places = torch.unique(self.choose(latents), return_inverse=True)
        side = pixels.shape[0]
        weights = triangle_weights(pixels, self.size)
        lines = self.book[chosen].to(latents.dtype).view(-1, self.size) @ (weights.t() / 255)
        planes = torch.matmul(weights, lines.view(-1, self.size, side))
        planes = planes.view(-1, self.channels, side * side)
        means = planes.mean(dim=2)[places]
        # A plane of ones, made so that its size is known before it is computed.
        planes = torch.cat([planes, 0 * planes[:, :1] + 1], dim=1)
        planes = planes.index_select(0, places)
        paper, gain, offset = self.levels(means, latents[:, 2:])
        # One product for each tile: its channels mixed and scaled, paper where there is no cover,
        # and an offset. Pixel by pixel at once, for to sort them so later takes twice as long.
        mix = [gain[:, :, None] * torch.eye(3)]
        if self.channels == 4:
            mix.append(-(gain * paper)[:, :, None])
            offset = offset + gain * paper
        levels = torch.cat([*mix, offset[:, :, None]], dim=2)
        tiles = torch.matmul(planes.transpose(1, 2), levels.transpose(1, 2))
        # Rounding may leave the range. Shaped before that, for to shape a result copies it.
        return tiles.view(-1, side, side, 3).clamp(0.0, 1.0)


def solve_levels(
    body: Tensor, cover: Tensor, wanted: Tensor, reach: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Find paper, gain and offset that give tiles the wanted mean colours, without clipping.

    Args:
        body: [..., 3] BGR, means of the pictures times what they cover.
        cover: [..., 1] share of the tile that they cover; at 1 there is no paper.
        wanted: [..., 3] BGR.
        reach: how far the paper may be from the wanted colour; what it cannot do levels do.

    Returns:
        paper, gain, offset: [..., 3] each. A tile is gain * (picture + (1 - cover) * paper) +
        offset; gain is 1 where paper alone can do it.
    """
    bare = 1 - cover
    paper = wanted + ((wanted - body) / bare.clamp(min=1e-3) - wanted).clamp(-reach, reach)
    paper = paper.clamp(0.0, 1.0)
    mean = body + bare * paper
    dimmest = wanted / mean.clamp(min=1e-4)
    palest = (1 - wanted) / (1 - mean).clamp(min=1e-4)
    gain = torch.minimum(dimmest, palest).clamp(max=1.0)
    return paper, gain, wanted - gain * mean


class PictureRegressor(nn.Module):
    """Patches -> latents: how well every kind would fit, and which of its members."""

    direction: Tensor

    def __init__(self, kinds: int, direction: Tensor, tone_range: tuple[float, float]) -> None:
        """Make an untrained regressor.

        Args:
            kinds: K.
            direction: [3 * 16] the contrast by which the members of kinds are sorted, scaled so
                that patches spread over -3..3 along it.
            tone_range: least and greatest mean of each channel.
        """
        super().__init__()
        self.kinds, self.tone_range = kinds, tone_range
        inputs = 3 * AFAR * AFAR
        self.to_scores = nn.Sequential(
            nn.Linear(inputs + 3, 96),
            nn.SiLU(),
            nn.Linear(96, 96),
            nn.SiLU(),
            nn.Linear(96, kinds),
        )
        self.to_flat = nn.Sequential(nn.Linear(3, 32), nn.SiLU(), nn.Linear(32, kinds))
        self.register_buffer("direction", direction)

    def judge(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Patches [N, 3, 4, 4] -> scores [N, K], and scores on flat patches of that colour."""
        colour = patches.mean(dim=(2, 3))
        structure = (patches - colour[:, :, None, None]).flatten(1)
        scores = self.to_scores(torch.cat([4 * structure, 2 * colour - 1], dim=1))
        return scores, self.to_flat(2 * colour - 1)

    def member(self, patches: Tensor) -> Tensor:
        """Patches [N, 3, 4, 4] -> second latent [N], from the contrast along `direction`."""
        structure = patches - patches.mean(dim=(2, 3), keepdim=True)
        return torch.sigmoid(structure.flatten(1) @ self.direction)

    def forward(self, patches: Tensor, taste: Tensor, forgiveness: Tensor) -> Tensor:
        """Choose the kind that fits best and is wanted most.

        Args:
            patches: [N, 3, 4, 4] BGR float32 0..1.
            taste: [N, K] float32 and
            forgiveness: [1] float32 0..1, see `GlyphRegressor`.

        Returns:
            latents [N, 5] float32 0..1.
        """
        scores, flat = self.judge(patches)
        forgiven = FORGIVENESS * forgiveness * flat
        chosen = (scores - forgiven + TASTE * taste).argmax(dim=1)
        kind = (chosen.to(patches.dtype) + 0.5) / self.kinds
        colour = patches.mean(dim=(2, 3)).clamp(*self.tone_range)
        return torch.cat([kind[:, None], self.member(patches)[:, None], colour], dim=1)
