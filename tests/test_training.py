"""Checkpoints: taken up again, refused when damaged, and never run."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch, which only trainings do")

from export.training import Run  # noqa: E402
from realtime.errors import UserError  # noqa: E402


class Trap:
    """Fails the test when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("the checkpoint was run",))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "checkpoint.pt", {"layer": torch.nn.Linear(2, 2)}, {"seed": 0})


def test_is_taken_up_again(run: Run) -> None:
    run.losses, run.seconds = [0.5, 0.25], 3.0
    run.save()
    again = Run(run.checkpoint, {"layer": torch.nn.Linear(2, 2)}, {"seed": 0})
    again.resume()
    assert (again.losses, again.seconds) == ([0.5, 0.25], 3.0)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", pickle.dumps(["x"]), b"PK\x03\x04"])
def test_damage_is_one_line(run: Run, content: bytes) -> None:
    run.checkpoint.write_bytes(content)
    with pytest.raises(UserError, match="is no checkpoint, or damaged") as told:
        run.resume()
    assert "\n" not in str(told.value)


def test_code_in_it_is_not_run(run: Run) -> None:
    for write in (
        lambda: run.checkpoint.write_bytes(pickle.dumps(Trap())),
        lambda: torch.save({"settings": {"seed": 0}, "parts": Trap()}, run.checkpoint),
    ):
        write()
        with pytest.raises(UserError, match="is no checkpoint, or damaged"):
            run.resume()


@pytest.mark.parametrize("missing", ["parts", "losses", "seconds", "chance"])
def test_half_of_one_is_one_line(run: Run, missing: str) -> None:
    run.save()
    content = torch.load(run.checkpoint, weights_only=True)
    del content[missing]
    torch.save(content, run.checkpoint)
    with pytest.raises(UserError, match="is no checkpoint, or damaged"):
        run.resume()


def test_one_of_another_network_is_one_line(run: Run) -> None:
    run.save()
    other = Run(run.checkpoint, {"layer": torch.nn.Linear(3, 3)}, {"seed": 0})
    with pytest.raises(UserError, match="is no checkpoint, or damaged"):
        other.resume()
