"""Train a picture tile set: sort the pictures into kinds, then learn to foretell how they fit.

Sorting takes seconds. The regressor is trained on patches of photographs to tell, for every kind,
how like the patch its tile is from afar once paper and levels have given it the patch's colour,
and how far those levels had to bleach or dim it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim.lr_scheduler import OneCycleLR
from tqdm import trange

from export.clusters import k_means
from export.picture_networks import AFAR, PictureDecoder, PictureRegressor
from export.training import step

CHUNK = 4096  # pictures
STEPS = 250  # batches in an epoch
COLOUR_WEIGHT = 3.0  # of a picture's mean colour against its pixels, in sorting
SPREAD = 1.5  # standard deviations along the direction of members, at which most are in reach
SCORE_SCALE = 100.0  # score per mean squared error, as in glyph sets
BLEACHING = 20.0  # score per squared loss of contrast by the levels


@dataclass(frozen=True)
class Shelves:
    """Pictures sorted into kinds.

    Attributes:
        places: [K, L] int64, numbers of the pictures of every kind; short kinds repeat theirs.
        direction: [3 * 16], see `PictureRegressor`.
    """

    places: Tensor
    direction: Tensor


def thumbnails(book: Tensor) -> Tensor:
    """Pictures [M, C, t, t] uint8 as seen from afar, [M, C, 4, 4] float32 0..1."""
    parts = torch.split(book, CHUNK)  # all at once, 50,000 pictures would take a gigabyte
    return torch.cat([functional.adaptive_avg_pool2d(part.float() / 255, AFAR) for part in parts])


def sort_pictures(thumbs: Tensor, patches: Tensor, kinds: int, members: int) -> Shelves:
    """Sort pictures into kinds by their looks, and those of each kind by one contrast.

    Args:
        thumbs: [M, C, 4, 4] of the pictures.
        patches: [N, 3, 4, 4] of photographs; the contrast is what varies most in them.
        kinds: at most so many.
        members: of a kind, at most; of larger ones, the most different are kept.
    """
    structure = (patches - patches.mean(dim=(2, 3), keepdim=True)).flatten(1)
    _, spreads, axes = torch.pca_lowrank(structure, q=3, center=False)
    direction = axes[:, 0]
    on_grey = thumbs[:, :3] + 0.5 * (1 - thumbs[:, 3:]) if thumbs.shape[1] == 4 else thumbs
    colour = on_grey.mean(dim=(2, 3))
    groups = k_means(torch.cat([on_grey.flatten(1), COLOUR_WEIGHT * colour], dim=1), kinds)
    rank = (on_grey - colour[..., None, None]).flatten(1) @ direction
    sizes = torch.bincount(groups)
    longest = min(members, int(sizes.max()))
    rows = []
    for group in range(len(sizes)):
        inside = torch.where(groups == group)[0]
        inside = inside[rank[inside].argsort(stable=True)]
        spaced = torch.linspace(0, len(inside) - 1e-3, longest) if longest > 1 else torch.zeros(1)
        rows.append(inside[spaced.long()])
    usual = spreads[0] / len(structure) ** 0.5
    return Shelves(torch.stack(rows), direction * SPREAD / usual)


class FitTraining:
    """The regressor, on patches of photographs."""

    def __init__(
        self,
        regressor: PictureRegressor,
        decoder: PictureDecoder,
        thumbs: Tensor,
        patches: Tensor,
        epochs: int,
        batch: int = 64,
    ) -> None:
        """Prepare to train on `patches` [N, 3, 4, 4], for the pictures seen afar as `thumbs`."""
        self.regressor, self.decoder, self.batch = regressor, decoder, batch
        self.thumbs, self.patches = thumbs, patches
        self.optimiser = torch.optim.AdamW(regressor.parameters(), 2e-3)
        self.schedule = OneCycleLR(self.optimiser, 4e-3, total_steps=epochs * STEPS)

    def one_epoch(self) -> float:
        """Train on `STEPS` random batches and return the mean loss."""
        total = 0.0
        for _ in trange(STEPS, desc="regressor", leave=False, disable=None):
            patches = self.patches[torch.randint(len(self.patches), (self.batch,))]
            total += step(self._loss(patches), self.optimiser, self.schedule)
        return total / STEPS

    def _loss(self, patches: Tensor) -> Tensor:
        with torch.no_grad():
            wanted_scores, wanted_flat = self.true_scores(patches)
        scores, flat = self.regressor.judge(patches)
        # The best kinds must be told apart, the worst need not.
        wrong = (scores - wanted_scores).square() / (1 + wanted_scores.square())
        wrong_flat = (flat - wanted_flat).square() / (1 + wanted_flat.square())
        return wrong.mean() + wrong_flat.mean()

    def true_scores(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """What `PictureRegressor.judge` shall foretell, by trying every kind, [B, K] twice."""
        kinds = (torch.arange(self.decoder.kinds) + 0.5) / self.decoder.kinds
        latents = torch.cartesian_prod(self.regressor.member(patches), kinds).flip(1)
        tiles = self.thumbs[self.decoder.choose(latents)]
        tiles = tiles.view(len(patches), len(kinds), -1, AFAR, AFAR)
        wanted = patches.mean(dim=(2, 3)).clamp(*self.regressor.tone_range)[:, None]
        paper, gain, offset = (
            x[..., None, None] for x in self.decoder.levels(tiles.mean(dim=(3, 4)), wanted)
        )
        shown = gain * tiles[:, :, :3] + offset
        if self.decoder.channels == 4:
            shown = shown + gain * paper * (1 - tiles[:, :, 3:])
        misfit = SCORE_SCALE * (shown - patches[:, None]).square().mean(dim=(2, 3, 4))
        rough = SCORE_SCALE * (shown - wanted[..., None, None]).square().mean(dim=(2, 3, 4))
        bleached = BLEACHING * (1 - gain).square().mean(dim=(2, 3, 4))
        return -(misfit + bleached), -rough
