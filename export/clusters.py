"""Sort pictures into kinds by their looks.

A kind whose pictures look alike is redrawn sharply; one that holds a cow from the front and a cow
from the side is redrawn as a blur of both.
"""

from __future__ import annotations

import torch
from torch import Tensor

ROUNDS = 30  # k-means settles in fewer on the sets shipped here
OVERLAP = 1.6  # families are searched as if there were so many times as many: tight ones only


def k_means(points: Tensor, count: int, rounds: int = ROUNDS) -> Tensor:
    """Sort points into groups by nearness (Lloyd, 1982; starts as in k-means++).

    Args:
        points: [N, F] float32.
        count: how many groups; fewer come back where there are fewer different points.
        rounds: of moving the centres, at most.

    Returns:
        [N] int64 group of each point, numbered from 0 without gaps, the largest group first.
    """
    centres = _starts(points, min(count, len(points)))
    groups = torch.cdist(points, centres).argmin(dim=1)
    for _ in range(rounds):
        sums = torch.zeros_like(centres).index_add_(0, groups, points)
        sizes = torch.bincount(groups, minlength=len(centres)).unsqueeze(1)
        centres = torch.where(sizes > 0, sums / sizes.clamp(min=1), centres)
        moved = torch.cdist(points, centres).argmin(dim=1)
        if torch.equal(moved, groups):
            break
        groups = moved
    return _renumbered(groups)


def families(points: Tensor, count: int, members: int) -> list[Tensor]:
    """Find groups of points that are very much alike, the most typical first.

    Unlike k-means, points that are like no others are left out.

    Args:
        points: [N, F] float32.
        count: how many families; fewer come back if the points are used up.
        members: of each family.

    Returns:
        [members] int64 indices for each family, the middle one first. Families may overlap.
    """
    distance = torch.cdist(points, points)
    near = distance.topk(min(members, len(points)), dim=1, largest=False)
    looseness = near.values.mean(dim=1)
    apart = max(members, int(len(points) / (OVERLAP * count)))
    found: list[Tensor] = []
    while len(found) < count and bool(torch.isfinite(looseness).any()):
        middle = int(looseness.argmin())
        found.append(near.indices[middle])
        # The next middle must lie outside: other poses shall be found too.
        around = distance[middle].topk(min(apart, len(points)), largest=False).indices
        looseness[around] = torch.inf
    return found


def _starts(points: Tensor, count: int) -> Tensor:
    """Points far from each other, drawn with the odds of their squared distance."""
    chosen = [int(torch.randint(len(points), ()))]
    nearest = (points - points[chosen[0]]).square().sum(dim=1)
    while len(chosen) < count and nearest.max() > 0:
        chosen.append(int(torch.multinomial(nearest, 1)))
        nearest = nearest.minimum((points - points[chosen[-1]]).square().sum(dim=1))
    return points[chosen].clone()


def _renumbered(groups: Tensor) -> Tensor:
    sizes = torch.bincount(groups)
    order = sizes.argsort(descending=True, stable=True)
    numbers = torch.empty_like(order)
    numbers[order] = torch.arange(len(order))
    return numbers[groups]
