"""The tile sets that tests use: three with answers known by hand, and the shipped ones."""

from __future__ import annotations

from pathlib import Path

PLAIN = Path(__file__).parent / "models" / "plain"
STRIPES = Path(__file__).parent / "models" / "stripes"
SLOPES = Path(__file__).parent / "models" / "slopes"
