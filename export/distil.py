"""Teach small networks what the large ones of a tile set do, so that it plays exactly and quickly.

The teacher is a tile set in a folder of its own, asked through its ONNX files alone. Its answers
are what is learned, not the pictures it was trained on: Hinton, Vinyals and Dean, "Distilling the
Knowledge in a Neural Network", 2015.

decoder    fitted to the teacher's tiles on a grid over the plane of latents, without gradients
regressor  trained to choose the teacher's tile for digits and for what it is shown at run time:
           cells of photographs, of dead-leaves pictures, and even slopes; it sees them in fewer
           pixels, for most cells of a frame have no more
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR
from tqdm import trange

from export.card import Sidecar
from export.data import load_photos
from export.networks_common import pixel_centres
from export.options import Options
from export.patches import HELD_OUT, prepared
from export.sights import LEVELS, Sight, gather, joined
from export.students import FEATURES, LATENTS, PATCH, StudentDecoder, StudentRegressor
from export.training import Run, start_chance, step
from realtime.arrays import Tiles
from realtime.reduction import luminance
from realtime.tileset import TileSet

NETWORKS = ("regressor.onnx", "decoder.onnx")
JUDGED = 10_000  # latents, and pictures, on which students are compared with their teacher
ASKED = 2048  # patches or latents the teacher is asked about at a time
COLUMNS = 64  # of the photographs they are compared on, as in `export.evaluate`
TINY = 0.1  # levels of difference below which a patch no longer matters


@dataclass(frozen=True)
class Settings:
    """What a distillation does.

    Attributes:
        epochs: of `steps` batches.
        steps: batches in an epoch.
        batch: patches in each.
        points: latents along each side of the decoder's grid.
        features: see `StudentDecoder`.
        cells: how many to learn from besides the training pictures.
    """

    epochs: int = 48
    steps: int = 500
    batch: int = 256
    points: int = 49
    features: int = FEATURES
    cells: int = 260_000


class Teacher:
    """The networks of an exported tile set of grey tiles, run by onnxruntime.

    Attributes:
        tile_set: what they take and give.
        sidecar: how they were made.
        digest: of their files.
    """

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        """Load them.

        Raises:
            UserError: there is no tile set in `folder`.
        """
        self.tile_set = TileSet.load(folder)
        content = json.loads(self.tile_set.read("tileset.json"))
        known = {field.name for field in fields(Sidecar)}
        self.sidecar = Sidecar(**{key: content[key] for key in content.keys() & known})
        files = [self.tile_set.read(name) for name in NETWORKS]
        self.digest = hashlib.sha256(b"".join(files)).hexdigest()[:12]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        self._regressor, self._decoder = (
            onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
            for file in files
        )
        self._pixels = pixel_centres(self.tile_set.tile_size).numpy()

    def latents(self, patches: Tensor) -> Tensor:
        """Return the latents [N, D] of patches [N, P, P] uint8."""
        return _in_parts(
            lambda part: self._regressor.run(None, {"patches": part / np.float32(LEVELS)})[0],
            patches.unsqueeze(1),
        )

    def tiles(self, latents: Tensor) -> Tensor:
        """Return the tiles [N, t, t] float32 0..1 of latents [N, D]."""
        asked = {"pixels": self._pixels}
        return _in_parts(
            lambda part: self._decoder.run(None, {"latents": part, **asked})[0], latents
        )


@dataclass(frozen=True)
class Lesson:
    """Patches of one sort, and what the teacher says of them.

    Attributes:
        share: of every batch, 0..1.
        patches: [N, p, p] uint8.
        latents: [N, 2] float32.
    """

    share: float
    patches: Tensor
    latents: Tensor


class RegressorTraining:
    """The regressor, on lessons, by how far the tile it chooses is from the teacher's."""

    def __init__(
        self,
        regressor: StudentRegressor,
        decoder: StudentDecoder,
        lessons: Sequence[Lesson],
        settings: Settings,
    ) -> None:
        """Prepare to train; the decoder is fitted already and stays as it is."""
        self.regressor, self.decoder = regressor, decoder.requires_grad_(False)
        self.lessons, self.settings = lessons, settings
        self.optimiser = torch.optim.Adam(regressor.parameters(), 1e-3)
        total = settings.epochs * settings.steps
        self.schedule = OneCycleLR(self.optimiser, 3e-3, total_steps=total)

    def one_epoch(self) -> float:
        """Train on `steps` random batches and return the mean loss, in levels of 255."""
        total = 0.0
        for _ in trange(self.settings.steps, desc="regressor", leave=False, disable=None):
            total += step(self._loss(), self.optimiser, self.schedule)
        return total / self.settings.steps

    def _loss(self) -> Tensor:
        drawn = [
            torch.randint(len(lesson.patches), (round(lesson.share * self.settings.batch),))
            for lesson in self.lessons
        ]
        pairs = list(zip(self.lessons, drawn, strict=True))
        patches = torch.cat([lesson.patches[at] for lesson, at in pairs])
        wanted = torch.cat([lesson.latents[at] for lesson, at in pairs])
        chosen = self.regressor(shown(patches))
        # Features instead of pixels: nearly as good a measure, in a tenth of the time.
        apart = self.decoder.interpolate(chosen) - self.decoder.interpolate(wanted)
        squares = apart.square().sum(dim=1) / self.decoder.size**2
        # Not squared, so that a few patches between two digits do not outweigh all others.
        loss: Tensor = LEVELS * (squares + (TINY / LEVELS) ** 2).sqrt().mean()
        return loss


@dataclass(frozen=True)
class Students:
    """What comes of a distillation.

    Attributes:
        teacher: how the teacher was made.
        decoder: the one student.
        regressor: the other.
        run: the regressor's training.
        apart: how far they are from the teacher, in levels of 255, by name.
    """

    teacher: Sidecar
    decoder: StudentDecoder
    regressor: StudentRegressor
    run: Run
    apart: dict[str, float]


def distil(folder: Path, pictures: Tiles, options: Options, settings: Settings) -> Students:
    """Teach two students what the tile set in `folder` does.

    Args:
        folder: of the teacher, whose tiles are grey, of two latents and no kinds.
        pictures: [N, P, P] uint8 that it was trained on.
        options: seed, threads, photographs, checkpoint and whether to take it up.
        settings: of the training.

    Raises:
        UserError: no teacher, no photographs, or a checkpoint of another training.
    """
    teacher = Teacher(folder, options.threads)
    start_chance(options.seed, options.threads)
    decoder = StudentDecoder.fit(survey(teacher, settings.points), settings.features)
    photos = load_photos(options.photos)
    sights = gather(pictures, photos, settings.cells, PATCH, options.seed)
    training = RegressorTraining(
        StudentRegressor(PATCH),
        decoder,
        [answered(teacher, share, seen) for share, seen in sights],
        settings,
    )
    run = _train(training, teacher, options)
    pair = nn.Sequential(training.regressor, decoder).eval()
    sides = (pictures.shape[1], PATCH)
    frames = [luminance(prepared(photo)) for photo in load_photos(options.photos, names=HELD_OUT)]
    cells = joined([Sight.cut(frame, COLUMNS, sides) for frame in frames])
    apart = {
        **compare_decoder(teacher, decoder),
        **compare("cells of photographs", teacher, pair, cells),
        **compare("training pictures", teacher, pair, Sight.of(pictures[:JUDGED], PATCH)),
    }
    return Students(teacher.sidecar, decoder, training.regressor, run, apart)


def _train(training: RegressorTraining, teacher: Teacher, options: Options) -> Run:
    """Train to the end, or take it up where its checkpoint left it."""
    epochs = training.settings.epochs
    run = Run(
        # Of this teacher alone: it may have been trained further since.
        options.work / f"student-{teacher.digest}.pt",
        {
            "regressor": training.regressor,
            "optimiser": training.optimiser,
            "schedule": training.schedule,
        },
        {"set": options.out.name, "seed": options.seed, "epochs": epochs},
    )
    if options.resume and run.checkpoint.is_file():
        run.resume()
    print(f"students: {epochs} epochs", flush=True)
    run.train(epochs, training.one_epoch)
    return run


def answered(teacher: Teacher, share: float, seen: Sight) -> Lesson:
    """Make a lesson of patches, for a share of every batch."""
    latents = teacher.latents(torch.from_numpy(seen.large))
    return Lesson(share, torch.from_numpy(seen.small), latents)


def survey(teacher: Teacher, points: int) -> Tensor:
    """Return the teacher's tiles [G, G, t, t] at G latents along each side of the plane."""
    along = torch.linspace(0.0, 1.0, points)
    tiles = teacher.tiles(torch.cartesian_prod(along, along))
    return tiles.view(points, points, *tiles.shape[1:])


def compare_decoder(teacher: Teacher, decoder: StudentDecoder) -> dict[str, float]:
    """Return how far its tiles are from the teacher's, in levels of 255, on even latents."""
    random = torch.Generator().manual_seed(0)
    latents = torch.rand(JUDGED, LATENTS, generator=random)
    apart = _apart(decoder, latents, teacher.tiles(latents))
    found = {
        "mean": apart.mean(),
        "worst tile": apart.mean(dim=1).max(),
        "worst pixel": apart.max(),
    }
    return {f"decoder, levels off, {name}": _rounded(value) for name, value in found.items()}


def compare(name: str, teacher: Teacher, pair: nn.Module, seen: Sight) -> dict[str, float]:
    """Return how far students are from the teacher, in levels of 255, where both map to tiles.

    Args:
        name: of the patches.
        teacher: what they are compared with.
        pair: regressor and decoder, one after the other.
        seen: patches.
    """
    wanted = teacher.tiles(teacher.latents(torch.from_numpy(seen.large)))
    apart = _apart(lambda part: pair(shown(part)), torch.from_numpy(seen.small), wanted)
    tiles = apart.mean(dim=1)
    return {
        f"both, levels off, {name}, mean": _rounded(tiles.mean()),
        f"both, levels off, {name}, 99 of 100 below": _rounded(tiles.quantile(0.99)),
    }


@torch.no_grad()
def _apart(student: Callable[[Tensor], Tensor], asked: Tensor, wanted: Tensor) -> Tensor:
    """Return how far a student's tiles are from the `wanted` ones, [N, t * t] levels."""
    parts = [student(part) for part in torch.split(asked, ASKED)]
    return LEVELS * (torch.cat(parts) - wanted).abs().flatten(1)


def _in_parts(ask: Callable[[npt.NDArray[Any]], object], asked: Tensor) -> Tensor:
    """Run onnxruntime on a part after another: all at once would take gigabytes."""
    parts = [np.asarray(ask(part.numpy())) for part in torch.split(asked, ASKED)]
    return torch.from_numpy(np.concatenate(parts))


def shown(patches: Tensor) -> Tensor:
    """Turn patches [N, P, P] uint8 into what networks take, [N, 1, P, P] float32 0..1."""
    return patches.unsqueeze(1).float() / LEVELS


def _rounded(value: Tensor) -> float:
    return round(value.item(), 2)
