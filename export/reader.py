"""Readers: classifiers that help to train a glyph set, so that what it draws can be read.

They see the pictures as mosaics may show them: at any ink, dim, on grey paper, shaded, inverted.
Two that are built differently read together, which keeps the decoder from pleasing the whims of
one. The judge of the evaluation (`export.judge`) is none of them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import OneCycleLR
from tqdm import trange

from export.training import step

BATCH = 256
WIDTH = 8  # features of the first layer
LEAST_CONTRAST = 0.25  # between ink and paper
REAL = 0.3  # share of the pictures that are left at their own ink


class Reader(nn.Module):
    """Tiles [N, t, t] 0..1 -> logits [N, K]."""

    def __init__(self, kinds: int, pool: type[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, WIDTH, 5, padding=2),
            nn.SiLU(),
            pool(2),
            nn.Conv2d(WIDTH, 2 * WIDTH, 5, padding=2),
            nn.SiLU(),
            pool(2),
            nn.Conv2d(2 * WIDTH, 4 * WIDTH, 3),
            nn.SiLU(),
            nn.AdaptiveAvgPool2d(5),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(4 * WIDTH * 25, kinds),
        )

    def forward(self, tiles: Tensor) -> Tensor:
        """Classify [N, t, t] float32 0..1."""
        logits: Tensor = self.layers(2 * tiles[:, None] - 1)
        return logits


class Readers(nn.Module):
    """Two readers that are built differently."""

    def __init__(self, kinds: int) -> None:
        super().__init__()
        self.both = nn.ModuleList(Reader(kinds, pool) for pool in (nn.AvgPool2d, nn.MaxPool2d))

    def forward(self, tiles: Tensor, kinds: Tensor) -> Tensor:
        """How hard tiles [N, t, t] of kinds [N] are to read: mean cross-entropy of both."""
        losses = [functional.cross_entropy(reader(tiles), kinds) for reader in self.both]
        return torch.stack(losses).mean()


class ReaderTraining:
    """Both readers, on the real pictures."""

    def __init__(
        self, readers: Readers, pictures: Tensor, fields: Tensor, kinds: Tensor, epochs: int
    ) -> None:
        """Prepare to train.

        Args:
            readers: both.
            pictures: [N, t, t] float32 0..1.
            fields: [N, t, t] their distances to the edge, in pixels.
            kinds: [N] int64.
            epochs: passes over the pictures.
        """
        self.readers, self.pictures, self.fields, self.kinds = readers, pictures, fields, kinds
        self.steps = -(-len(kinds) // BATCH)
        self.optimiser = torch.optim.Adam(readers.parameters(), 2e-3)
        self.schedule = OneCycleLR(self.optimiser, 4e-3, total_steps=epochs * self.steps)

    def one_epoch(self) -> float:
        """Train once over the pictures and return the mean loss."""
        self.readers.train()
        total = 0.0
        for _ in trange(self.steps, desc="readers", leave=False, disable=None):
            drawn = torch.randint(len(self.kinds), (BATCH,))
            redrawn = draw_at_any_ink(self.fields[drawn])
            real = torch.rand(BATCH, 1, 1) < REAL
            tiles = shown_any_way(torch.where(real, self.pictures[drawn], redrawn))
            loss = self.readers(tiles, self.kinds[drawn])
            total += step(loss, self.optimiser, self.schedule)
        self.readers.eval()
        return total / self.steps


def draw_at_any_ink(fields: Tensor) -> Tensor:
    """Glyphs [N, t, t] 0..1 of distance fields [N, t, t], each at another ink and softness."""
    one_each = (len(fields), 1, 1)
    ink = torch.rand(one_each) * 4 - 1
    edge = torch.exp(torch.rand(one_each) * 1.2 + 0.3)
    return torch.sigmoid((fields + ink) * edge)


def shown_any_way(glyphs: Tensor) -> Tensor:
    """Show glyphs [N, t, t] at other levels, shaded, shifted, noisy, half of them inverted."""
    one_each = (len(glyphs), 1, 1)
    paper = 0.5 * torch.rand(one_each) * (torch.rand(one_each) < 0.6)
    ink = 1 - 0.5 * torch.rand(one_each) * (torch.rand(one_each) < 0.6)
    ink = torch.maximum(ink, paper + LEAST_CONTRAST)
    away = torch.linspace(-0.5, 0.5, glyphs.shape[2])
    slopes = 0.4 * (torch.rand(2, *one_each) - 0.5)
    tiles = paper + (ink - paper) * glyphs + slopes[0] * away + slopes[1] * away[:, None]
    shift = torch.randint(-1, 2, (2,)).tolist()
    tiles = torch.roll(tiles, shift, (1, 2)) + 0.02 * torch.randn_like(tiles)
    return torch.where(torch.rand(one_each) < 0.5, tiles, 1 - tiles)
