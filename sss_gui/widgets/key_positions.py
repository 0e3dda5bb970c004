"""Letters of other alphabets that lie on the keys of a Latin keyboard: there a key is found by where it is.

Where the system names a key by its place, as on Linux and Windows, `at_place` finds it on any keyboard; `elsewhere`
knows what the most common alphabets have there.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

_LATIN = "qwertyuiop[]asdfghjkl;'zxcvbnm,."
_OTHERS = (
    "йцукенгшщзхъфывапролджэячсмитьбю",  # Russian
    "йцукенгшщзхїфівапролджєячсмитьбю",  # Ukrainian
    ";wερτυθιοπ[]ασδφγηξκλ΄'ζχψωβνμ,.",  # Greek, but for ς, which is Σ too
    "/'קראטוןםפ][שדגכעיחלךף,זסבהנמצתץ",  # Hebrew
)


def elsewhere(key: str) -> list[str]:
    """What `key`, such as K, [ or Shift+R, is on keyboards of other alphabets; nothing for other keys.

    Examples
    --------
    >>> elsewhere("K")
    ['Л', 'Κ', 'ל']
    >>> elsewhere("Ctrl+K")  # which the system itself finds by position
    []
    """
    *held, letter = key.split("+") if len(key) > 1 else [key]
    place = _LATIN.find(letter.lower()) if len(letter) == 1 and set(held) <= {"Shift"} else -1
    others = dict.fromkeys(letters[place].upper() for letters in _OTHERS if place >= 0)
    return ["+".join([*held, letter]) for letter in others if not letter.isascii()]


_PLACES = (*range(16, 28), *range(30, 41), *range(44, 53))  # codes of the keys of `_LATIN` (evdev, scan codes of set 1)
_FIRST = {"xcb": 8, "wayland": 8, "windows": 0}  # what the platform adds to them
_BEYOND_LATIN, _SPECIAL = 0x100, 0x0100_0000  # of Qt's keys: letters of other alphabets lie between


def at_place(event: QKeyEvent, platform: str) -> str:
    """The key of a Latin keyboard, such as K or Shift+K, where the letter of another alphabet was pressed; '' if none.

    Parameters
    ----------
    platform : Qt's name of it
    """
    held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    place = event.nativeScanCode() - _FIRST.get(platform, 1 << 20)
    if not _BEYOND_LATIN <= event.key() < _SPECIAL or place not in _PLACES:
        return ""
    if held not in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier):
        return ""  # which the system itself finds by position
    return ("Shift+" if held else "") + _LATIN[_PLACES.index(place)].upper()
