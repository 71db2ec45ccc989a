"""What the command line of `export.train` asks of a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """One training as it was asked for.

    Attributes:
        data: where the tile pictures lie; None fetches them.
        photos: a folder of photographs for the regressor; None takes those inside the wheels.
        out: the tile set's folder.
        work: folder for checkpoints.
        epochs: passes over the pictures.
        seed: of all random generators.
        resume: take up the checkpoint.
        threads: for PyTorch; None is one a core.
        command: the command line, for the card.
        distil: only teach the small networks anew, from large ones that were trained before.
    """

    data: Path | None
    photos: Path | None
    out: Path
    work: Path
    epochs: int
    seed: int
    resume: bool
    threads: int | None
    command: str
    distil: bool = False
