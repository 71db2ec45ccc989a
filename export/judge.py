"""Independent readers: a panel of classifiers that judges whether tiles can be read.

They are trained apart from every tile set, on the original pictures at varied ink and in both
polarities, and never used to train one. They have not seen dim ink or grey paper, so that they are
strict judges of the levels that mosaics use.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import trange

from export.data import TileImages
from export.glyph_training import distance_fields
from export.training import start_chance, step

EPOCHS = 4
BATCH = 256
SEEDS = (77, 78, 79, 80, 81)
"""One a judge, none that of a tile set. Several, for judges who learned the same from other starts
differ by some hundredths in what they find legible."""
CONFIDENT = 0.9
"""Probability above which a tile counts as legible."""


class Judge(nn.Module):
    """Tiles [N, t, t] 0..1 -> logits [N, classes]."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveMaxPool2d(4),
            nn.Flatten(),
            nn.Linear(64 * 16, 128),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(128, classes),
        )

    def forward(self, tiles: Tensor) -> Tensor:
        """Classify [N, t, t] float32 0..1."""
        logits: Tensor = self.layers(tiles[:, None] - 0.5)
        return logits

    @torch.no_grad()
    def read(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Probabilities [N, classes] for tiles [N, t, t] uint8."""
        self.eval()
        parts = torch.split(torch.from_numpy(tiles), 2048)
        read = [self(part.float() / 255).softmax(dim=1) for part in parts]
        return np.asarray(torch.cat(read).numpy(), np.float32)


class Panel:
    """Judges who read the same tiles, each on its own."""

    def __init__(self, judges: Sequence[Judge]) -> None:
        self._judges = judges

    def read(self, tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Probabilities [J, N, classes] for tiles [N, t, t] uint8, by judge."""
        return np.stack([judge.read(tiles) for judge in self._judges])

    def legible(self, tiles: npt.NDArray[np.uint8]) -> list[float]:
        """Shares 0..1 of tiles [N, t, t] uint8 that are legible, by judge."""
        return shares(self.read(tiles))


def shares(read: npt.NDArray[np.float32]) -> list[float]:
    """Probabilities [J, N, classes] -> shares 0..1 of what is legible, by judge."""
    return [float((one.max(axis=1) > CONFIDENT).mean()) for one in read]


def panel_of(tiles: TileImages, folder: Path) -> Panel:
    """Return the judges of a data set, training them (a minute or two each) unless they are kept.

    Args:
        tiles: grey pictures [N, t, t] with labels.
        folder: for the weights of this data set's.
    """
    return Panel([_judge_of(tiles, seed, folder / f"{seed}.pt") for seed in SEEDS])


def _judge_of(tiles: TileImages, seed: int, cache: Path) -> Judge:
    assert tiles.labels is not None
    judge = Judge(int(tiles.labels.max()) + 1)
    if cache.is_file():
        judge.load_state_dict(torch.load(cache, weights_only=True))
        return judge
    start_chance(seed)
    _train(judge, tiles.images, torch.from_numpy(tiles.labels))
    cache.parent.mkdir(parents=True, exist_ok=True)
    torch.save(judge.state_dict(), cache)
    return judge


def _train(judge: Judge, images: npt.NDArray[np.uint8], labels: Tensor) -> None:
    pictures, fields = torch.from_numpy(images), torch.from_numpy(distance_fields(images))
    steps = -(-len(pictures) // BATCH)
    optimiser = torch.optim.Adam(judge.parameters(), 2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=EPOCHS * steps)
    judge.train()
    for epoch in range(EPOCHS):
        order = torch.split(torch.randperm(len(pictures)), BATCH)
        for at in trange(steps, desc=f"judge {epoch + 1}/{EPOCHS}", leave=False, disable=None):
            chosen = order[at]
            tiles = _vary(pictures[chosen].float() / 255, fields[chosen])
            step(functional.cross_entropy(judge(tiles), labels[chosen]), optimiser, schedule)


def _vary(pictures: Tensor, fields: Tensor) -> Tensor:
    """Redraw most pictures [N, t, t] at another ink, and invert half of them."""
    one_each = (len(pictures), 1, 1)
    ink = torch.rand(one_each) * 4 - 1
    edge = torch.exp(torch.rand(one_each) * 1.2 + 0.4)
    redrawn = torch.sigmoid((fields + ink) * edge)
    tiles = torch.where(torch.rand(one_each) < 0.4, pictures, redrawn)
    return torch.where(torch.rand(one_each) < 0.5, tiles, 1 - tiles)
