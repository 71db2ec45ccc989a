"""Keys: what a window's key codes stand for, and what belongs to a key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

NO_KEY = -1
"""The code of no key at all."""
ESCAPE = "\x1b"
_KEY_BITS = 0xFFFF
"""Above these a key's code tells of Num Lock and Shift. Below, an arrow key is no letter."""
_ARROWS = {0xFF52: "+", 0xFF54: "-", 0x260000: "+", 0x280000: "-", 0xF700: "+", 0xF701: "-"}
"""Up and down, as X11, Windows and macOS call them."""
_KEYPAD = {0xFFAB: "+", 0xFFAD: "-"}


@dataclass(frozen=True)
class Binding:
    """Keys that belong together in the help.

    Attributes:
        keys: as the help shows them.
        does: what they do.
        actions: by character.
        now: tells how it is set.
    """

    keys: str
    does: str
    actions: Mapping[str, Callable[[], None]]
    now: Callable[[], str] = str


def character_of(key: int) -> str:
    """Return what a key's code stands for; "" for none or a key without a letter."""
    if key == NO_KEY:
        return ""
    if key in _ARROWS:
        return _ARROWS[key]
    low = key & _KEY_BITS
    if low in _ARROWS or low in _KEYPAD:
        return (_ARROWS | _KEYPAD)[low]
    return chr(low) if 0 < low < 128 else ""
