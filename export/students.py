"""Small networks that give what larger ones give, for tile sets of two latents and grey tiles.

They take a twenty-fifth of the multiplications of the seed's convolutions; see `export.distil` for
how they are taught, and the card of `mnist-2d` for how near they come.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

LATENTS = 2
FEATURES = 80  # numbers that a tile is put together from; fewer blur it, more take time
PATCH = 14  # pixels along one side of the regressor's input: it comes no nearer with more
HIDDEN = (384, 128)  # of the regressor's layers
FLATTEST = 1e-3  # of a pixel's slopes: those that never move may not be divided by nothing
SURE = 1e-6  # how near to black and white logits are followed


class StudentDecoder(nn.Module):
    """Latents [N, 2] -> tiles [N, t, t]: features from a grid over the plane, and one layer.

    Dense features on a grid, interpolated between its points, instead of a deep network of the
    coordinates: Müller et al., "Instant Neural Graphics Primitives with a Multiresolution Hash
    Encoding", 2022, here of one resolution and without hashing. Where there are so few latents
    and a teacher to ask at every point, the best features need no gradients, see `fit`.
    """

    def __init__(self, features: Tensor, basis: Tensor, middle: Tensor) -> None:
        """Put a decoder together.

        Args:
            features: [G, G, R] at the points of the grid, both latents from 0 to 1.
            basis: [R, t * t] what each feature adds to the logits of the pixels.
            middle: [t * t] the logits where all features are 0.
        """
        super().__init__()
        self.size = round(len(middle) ** 0.5)
        self.features = nn.Parameter(features)
        self.pixels = nn.Linear(*basis.shape)
        with torch.no_grad():
            self.pixels.weight.copy_(basis.t())
            self.pixels.bias.copy_(middle)

    @classmethod
    def fit(cls, tiles: Tensor, features: int = FEATURES) -> StudentDecoder:
        """Return the decoder that comes nearest to a teacher's tiles with so many features.

        They are the first singular vectors of the tiles' logits, each pixel weighted by how much
        its lightness follows its logit: pixels that are black in every tile need no precision.

        Args:
            tiles: [G, G, t, t] float32 0..1, of latents evenly spaced from 0 to 1.
            features: R, at most G * G and t * t.
        """
        points = tiles.flatten(2).flatten(0, 1)
        logits = torch.logit(points.double(), SURE)
        slopes = (points * (1 - points)).double().square().mean(dim=0).sqrt().clamp(min=FLATTEST)
        middle = logits.mean(dim=0)
        left, strengths, right = torch.linalg.svd((logits - middle) * slopes, full_matrices=False)
        found = (left * strengths)[:, :features].view(*tiles.shape[:2], -1)
        return cls(found.float(), (right[:features] / slopes).float(), middle.float())

    def forward(self, latents: Tensor) -> Tensor:
        """Decode [N, 2] float32 in 0..1 to [N, t, t] float32 in (0, 1)."""
        found: Tensor = torch.sigmoid(self.pixels(self.interpolate(latents)))
        return found.view(-1, self.size, self.size)

    def interpolate(self, latents: Tensor) -> Tensor:
        """Return the features [N, R] at latents [N, 2] in 0..1, between the points of the grid.

        On average over the plane, the distance of two is about that of their tiles' pixels.
        """
        points = self.features.shape[0]
        scaled = latents * (points - 1)
        corner = scaled.floor().clamp(0, points - 2)
        along, across = torch.split(scaled - corner, 1, dim=1)
        row, column = corner.long().unbind(dim=1)
        first = row * points + column
        flat = self.features.flatten(0, 1)
        near: Tensor = flat[first] * (1 - across) + flat[first + 1] * across
        far: Tensor = flat[first + points] * (1 - across) + flat[first + points + 1] * across
        return near * (1 - along) + far * along


class StudentRegressor(nn.Module):
    """Patches [N, 1, P, P] -> latents [N, 2] in three layers.

    Layers that take all pixels at once run in a third of the time of convolutions with as many
    multiplications.
    """

    def __init__(self, patch_size: int) -> None:
        """Make an untrained one for patches of P pixels."""
        super().__init__()
        widths = (patch_size**2, *HIDDEN)
        self.hidden = nn.ModuleList(nn.Linear(*pair) for pair in itertools.pairwise(widths))
        self.last = nn.Linear(HIDDEN[-1], LATENTS)

    def forward(self, patches: Tensor) -> Tensor:
        """Map [N, 1, P, P] float32 0..1 to [N, 2] float32 in (0, 1)."""
        found = patches.flatten(1)
        for layer in self.hidden:
            found = torch.relu(layer(found))
        return torch.sigmoid(self.last(found))
