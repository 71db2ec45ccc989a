"""The method this project grew from, reproduced to the letter: a 2-D autoencoder of MNIST.

    python -m export.train mnist-2d
    python -m export.train mnist-2d --distil      only teaches the small networks anew

Kept as the baseline that the other tile sets are measured against. Its encoder, which has only
seen digits, is also its regressor: it is shown patches of photographs.

Decoding every cell of a frame takes these networks ten times as long as a frame lasts. So what is
played are small ones that were taught to give the same, see `export.distil`; the large ones are
kept beside them, as the tile set `teacher`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from export import manifold
from export.card import Sidecar, current_commit
from export.data import TileImages, load_tiles
from export.distil import Settings, Students, distil
from export.networks_common import Resample
from export.options import Options
from export.students import PATCH
from export.to_onnx import export_tile_set
from export.training import Run, batches, loss_table, start_chance
from realtime.arrays import Tiles
from realtime.errors import UserError

NAME = "mnist-2d"
SIDE = 28  # pixels of a digit
LATENTS = 2  # so that the latent space can be drawn
TEACHER = "teacher"  # folder of the seed's networks, within that of the small ones
STUDENTS = Settings()

# The original's settings; those it left to Keras are Keras's defaults, which PyTorch's are not.
EPOCHS = 100
BATCH = 1024
LEARNING_RATE = 1e-3
ADAM_EPSILON = 1e-7  # PyTorch: 1e-8
NOISE = 0.001  # standard deviation added to the latents while training
BN_MOMENTUM = 0.01  # what Keras calls 0.99; PyTorch: 0.1
BN_EPSILON = 1e-3  # PyTorch: 1e-5

TAIL = 5  # epochs over which the card says how much the loss still fell
LIT = 0.8  # brightness from which a pixel counts as lit
GRID = 41  # latents a side when the range of tones is measured


class Encoder(nn.Module):
    """Digit [N, 1, 28, 28] -> latents [N, 2] in (0, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding="same"),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(32, BN_EPSILON, BN_MOMENTUM),
            nn.Conv2d(32, 64, 3, padding="same"),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(64, BN_EPSILON, BN_MOMENTUM),
            nn.Flatten(),
            nn.Linear(64 * 7 * 7, LATENTS),
            nn.Sigmoid(),
        )
        initialise(self)

    def forward(self, patches: Tensor) -> Tensor:
        """Encode [N, 1, 28, 28] float32 0..1 as [N, 2] float32 in (0, 1)."""
        return _tensor(self.layers(patches))


class Decoder(nn.Module):
    """Latents [N, 2] -> digit [N, 28, 28]."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(LATENTS, 7 * 7 * 64),
            nn.ReLU(),
            Planes(),
            nn.BatchNorm2d(64, BN_EPSILON, BN_MOMENTUM),
            nn.ConvTranspose2d(64, 32, 3, stride=2),
            KerasCrop(),
            nn.ReLU(),
            nn.BatchNorm2d(32, BN_EPSILON, BN_MOMENTUM),
            nn.ConvTranspose2d(32, 1, 3, stride=2),
            KerasCrop(),
            nn.Sigmoid(),
        )
        initialise(self)

    def forward(self, latents: Tensor) -> Tensor:
        """Decode [N, 2] float32 in 0..1 to [N, 28, 28] float32 in (0, 1)."""
        return _tensor(self.layers(latents)).squeeze(1)


class Planes(nn.Module):
    """Lay numbers out as 64 planes of 7 by 7.

    `nn.Unflatten` is exported with arithmetic on shapes, which the run time refuses in a network
    from elsewhere, because it cannot tell how large the result becomes.
    """

    def forward(self, numbers: Tensor) -> Tensor:
        """Turn [N, 64 * 7 * 7] into [N, 64, 7, 7]."""
        return numbers.view(-1, 64, 7, 7)


class KerasCrop(nn.Module):
    """Cut the last row and column off, as padding "same" does in a transposed Keras layer.

    PyTorch's padding=1, output_padding=1 gives the same size but cuts at the other end.
    """

    def forward(self, planes: Tensor) -> Tensor:
        """Turn [N, C, 2 n + 1, 2 n + 1] into [N, C, 2 n, 2 n]."""
        return planes[..., :-1, :-1]


def initialise(network: nn.Module) -> None:
    """Draw weights as Keras does: Glorot uniform, biases zero."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class Autoencoder(nn.Module):
    """Encoder and decoder with the noise between them that training adds."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()

    def forward(self, digits: Tensor) -> Tensor:
        """Restore [N, 1, 28, 28] as [N, 28, 28], float32 0..1."""
        latents = self.encoder(digits)
        if self.training:
            latents = latents + NOISE * torch.randn_like(latents)
        return _tensor(self.decoder(latents))


def train(options: Options) -> None:
    """Train, check and export the seed's networks; then teach small ones and export those.

    Raises:
        UserError: no data, data of another size, nothing to resume, or no teacher.
        ExportRefusedError: the exported graphs differ from the networks.
    """
    tiles = load_tiles("mnist", options.data)
    digits = as_tensor(tiles.images)
    folder = options.out / TEACHER
    if not options.distil:
        train_teacher(folder, tiles, digits, options)
    students = distil(folder, tiles.images, options, STUDENTS)
    decoder, regressor = students.decoder.eval(), students.regressor.eval()
    network = nn.Sequential(nn.Upsample(size=PATCH, mode="bilinear"), regressor, decoder)
    measured = measure(network, decoder, digits, options)
    sidecar = replace(
        students.teacher,
        name=options.out.name,
        title=f"{tiles.title}, the method of 2021 reproduced",
        patch_size=PATCH,
        tone_range=tone_range(plane_tiles(decoder)),
        command=options.command,
        seed=options.seed,
        commit=current_commit(),
        epochs=len(students.run.losses),
        duration_s=round(students.run.seconds, 1),
        metrics={**measured, **students.apart},
    )
    export_tile_set(options.out, Resample(decoder, SIDE), regressor, sidecar, notes(students))
    manifold.write(options.out)


def train_teacher(folder: Path, tiles: TileImages, digits: Tensor, options: Options) -> None:
    """Train the seed's networks on digits [N, 1, 28, 28] and export them to `folder`."""
    start_chance(options.seed, options.threads)
    network = Autoencoder()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a quarter faster
    optimiser = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, eps=ADAM_EPSILON)
    run = Run(
        options.work / "checkpoint.pt",
        {"network": network, "optimiser": optimiser},
        {"set": NAME, "seed": options.seed, "pictures": len(digits)},
    )
    if options.resume:
        run.resume()
    run.train(options.epochs, lambda: one_epoch(network, optimiser, digits))
    network.eval()
    sidecar = describe(network, tiles, run, options)
    sidecar = replace(sidecar, metrics=measure(network, network.decoder, digits, options))
    decoder = Resample(network.decoder, SIDE)
    export_tile_set(folder, decoder, network.encoder, sidecar, teacher_notes(run))


def describe(network: Autoencoder, tiles: TileImages, run: Run, options: Options) -> Sidecar:
    """Return the sidecar of the seed's networks, still without metrics."""
    return Sidecar(
        name=TEACHER,
        title=f"{tiles.title}, the method of 2021 to the letter",
        tile_size=SIDE,
        channels=1,
        patch_size=SIDE,
        patch_channels=1,
        shape_latents=LATENTS,
        tone=False,
        tone_range=tone_range(plane_tiles(network.decoder)),
        classes=tiles.classes,
        licence=tiles.licence,
        source=tiles.source,
        command=options.command,
        seed=options.seed,
        commit=current_commit(),
        epochs=len(run.losses),
        duration_s=round(run.seconds, 1),
    )


def one_epoch(network: Autoencoder, optimiser: torch.optim.Optimizer, digits: Tensor) -> float:
    """Train once over the digits, [N, 1, 28, 28] float32 0..1, and return the mean loss."""
    network.train()
    total = 0.0
    for batch in batches(digits, BATCH):
        loss = nn.functional.mse_loss(network(batch), batch.squeeze(1))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # PyTorch leaves it untyped
        optimiser.step()
        total += loss.item() * len(batch)
    return total / len(digits)


def as_tensor(images: Tiles) -> Tensor:
    """Turn digits [N, 28, 28] uint8 into [N, 1, 28, 28] float32 0..1.

    Raises:
        UserError: pictures of another size, or in colour.
    """
    if images.shape[1:] != (SIDE, SIDE):
        raise UserError(f"{NAME} learns grey {SIDE} x {SIDE} pictures, found {images.shape[1:]}")
    return torch.from_numpy(images).unsqueeze(1).float() / 255.0


@torch.no_grad()
def restore(network: nn.Module, digits: Tensor) -> Tensor:
    """Pass digits [N, 1, 28, 28] through encoder and decoder, in batches."""
    network.eval()
    return torch.cat([network(batch) for batch in torch.split(digits, BATCH)])


@torch.no_grad()
def plane_tiles(decoder: nn.Module) -> Tensor:
    """Return the tiles on a grid over the latent plane, [GRID * GRID, 28, 28]."""
    steps = torch.linspace(0.0, 1.0, GRID)
    latents = torch.cartesian_prod(steps, steps)
    return torch.cat([decoder(part) for part in torch.split(latents, BATCH)])


def tone_range(tiles: Tensor) -> tuple[float, float]:
    """Return the lowest and highest mean of tiles [N, 28, 28]."""
    means = tiles.mean(dim=(1, 2))
    return round(means.min().item(), 4), round(means.max().item(), 4)


def measure(
    network: nn.Module, decoder: nn.Module, digits: Tensor, options: Options
) -> dict[str, float]:
    """Return figures for the card: errors on the training and, if at hand, the test digits.

    Also how many pixels are lit whatever the latents: early in training the decoder is all but
    constant, some pixels saturate, and through a sigmoid squared errors hardly move them again.
    """
    tiles = plane_tiles(decoder)
    lit = (tiles.amin(dim=0) > LIT).sum().item()
    found = {
        "mean squared error, training": _error(network, digits),
        "pixels lit in every tile, of 784": float(lit),
    }
    try:
        test = as_tensor(load_tiles("mnist", options.data, "test").images)
    except UserError:
        return found  # --data named the training digits alone
    return {**found, "mean squared error, test": _error(network, test)}


BASELINE = (
    "The baseline: convolutions, a 2-D latent, mean squared error, and the encoder of digits used "
    "on photographs.\nThe tiles cover few tones; the other tile sets were made to mend that."
)


def notes(students: Students) -> str:
    """Return the part of the card that is particular to the small networks."""
    teacher = students.teacher
    minutes = teacher.duration_s / 60
    return (
        f"{BASELINE}\n\n## Students\n\n"
        "These are not the networks of 2021 but small ones, students, that were taught to give the "
        "same in a fraction of the time (Hinton et al., 2015, see `export/distil.py`). What they "
        f"were taught by is kept, to the letter, in [{TEACHER}]({TEACHER}/README.md): made by "
        f"`{teacher.command}`, {teacher.epochs} epochs in {minutes:.0f} min. The training in the "
        "table is that of the regressor; the decoder is fitted, without training.\n\n"
        "Levels off: mean difference of a tile's pixels from the teacher's tile, of 255. Both: the "
        "student's tile for what the student's regressor chose, beside the teacher's for what the "
        "teacher's chose.\n\n"
        f"## Loss\n\n{loss_table(students.run.losses)}"
    )


def teacher_notes(run: Run) -> str:
    """Return the part of the card that is particular to the seed's networks."""
    return f"{BASELINE}\n\n## Loss\n\n{loss_table(run.losses)}\n\n{_stopped_early(run.losses)}"


def _stopped_early(losses: list[float]) -> str:
    if len(losses) >= EPOCHS or len(losses) <= TAIL:
        return ""
    fall = 1.0 - losses[-1] / losses[-1 - TAIL]
    return (
        f"The original trained for {EPOCHS} epochs. This one was stopped after {len(losses)}, "
        f"when the last {TAIL} had lowered the loss by {fall:.1%}."
    )


def _error(network: nn.Module, digits: Tensor) -> float:
    restored = restore(network, digits)
    return round(nn.functional.mse_loss(restored, digits.squeeze(1)).item(), 5)


def _tensor(result: Tensor) -> Tensor:
    """Tell the type checker what calling a network gives."""
    return result
