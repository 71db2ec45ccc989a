"""What all trainings share: chance, batches, progress, checkpoints and resuming."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from realtime.errors import UserError, one_line

Settings = Mapping[str, str | int | float]


class Stateful(Protocol):
    """A network, an optimiser, a schedule: whatever can be put into a checkpoint."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state as tensors and plain values."""

    def load_state_dict(self, state_dict: dict[str, Any], /) -> object:
        """Take up a state."""


@dataclass
class Run:
    """A training that can be stopped after any epoch and taken up again, to the same result.

    Attributes:
        checkpoint: the file kept after every epoch.
        parts: everything with a state, by name.
        settings: what must not differ between a run and its resumption, such as the seed.
        losses: mean loss of every epoch so far.
        seconds: time spent in epochs so far, over all resumptions.
    """

    checkpoint: Path
    parts: Mapping[str, Stateful]
    settings: Settings
    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def train(self, epochs: int, one_epoch: Callable[[], float]) -> None:
        """Run the epochs that are still missing, with a line and a checkpoint after each.

        Args:
            epochs: how many there shall be in all.
            one_epoch: trains once over the data and returns the mean loss.
        """
        while len(self.losses) < epochs:
            start = time.perf_counter()
            self.losses.append(one_epoch())
            spent = time.perf_counter() - start
            self.seconds += spent
            self.save()
            tqdm.write(
                f"epoch {len(self.losses)}/{epochs}  loss {self.losses[-1]:.5f}  {spent:.1f} s"
            )

    def save(self) -> None:
        """Write the checkpoint; a reader never sees half of it."""
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        draft = self.checkpoint.with_suffix(".tmp")
        content = {
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
            "settings": dict(self.settings),
            "losses": self.losses,
            "seconds": self.seconds,
            "chance": torch.get_rng_state(),
        }
        torch.save(content, draft)
        draft.replace(self.checkpoint)

    def resume(self) -> None:
        """Take up the checkpoint.

        Raises:
            UserError: there is none, it is damaged, or it comes from other settings.
        """
        if not self.checkpoint.is_file():
            raise UserError(f"nothing to resume at {self.checkpoint}: start without --resume")
        content = self._load()
        if content["settings"] != dict(self.settings):
            raise UserError(
                f"{self.checkpoint} was trained with {content['settings']}, "
                f"asked for {dict(self.settings)}: use the same, or start without --resume"
            )
        try:
            for name, part in self.parts.items():
                part.load_state_dict(content["parts"][name])
            self.losses = list(content["losses"])
            self.seconds = float(content["seconds"])
            torch.set_rng_state(content["chance"])
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise self._damaged(error) from error

    def _load(self) -> dict[str, Any]:
        try:
            # Tensors and plain values only: a checkpoint from elsewhere cannot run code.
            content = torch.load(self.checkpoint, weights_only=True)
        except Exception as error:  # of as many kinds as there are ways to be damaged
            raise self._damaged(error) from error
        if not isinstance(content, dict) or "settings" not in content:
            raise self._damaged("no settings in it")
        return content

    def _damaged(self, why: object) -> UserError:
        return UserError(
            f"{self.checkpoint} is no checkpoint, or damaged ({one_line(why)}): "
            "start without --resume"
        )


def start_chance(seed: int, threads: int | None = None) -> None:
    """Seed every random generator that a training uses, and bound its threads.

    Args:
        seed: equal seeds, data and thread numbers give equal weights on one machine.
        threads: for PyTorch; None leaves its default, one a core.
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    if threads is not None:
        torch.set_num_threads(threads)


def batches(data: Tensor, size: int) -> Iterator[Tensor]:
    """Yield `data` once in random order, with a progress bar on a terminal.

    Args:
        data: [N, ...]; the order comes from PyTorch's global generator.
        size: of a batch; the last may be smaller.
    """
    order = torch.randperm(len(data))
    for chosen in tqdm(torch.split(order, size), leave=False, disable=None, unit="batch"):
        yield data[chosen]


def step(
    loss: Tensor, optimiser: torch.optim.Optimizer, schedule: torch.optim.lr_scheduler.LRScheduler
) -> float:
    """Take one step down the gradient and return the loss."""
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # PyTorch leaves it untyped
    optimiser.step()
    schedule.step()
    return loss.item()


def loss_table(losses: list[float]) -> str:
    """Return the loss curve as a Markdown table of a few epochs, the last included."""
    shown = [epoch for epoch in (1, 2, 5, 10, 20, 30, 50, 70, 100) if epoch < len(losses)]
    shown.append(len(losses))
    head = " | ".join(str(epoch) for epoch in shown)
    body = " | ".join(f"{losses[epoch - 1]:.4f}" for epoch in shown)
    return f"| Epoch | {head} |\n|---|{'---|' * len(shown)}\n| Loss | {body} |"
