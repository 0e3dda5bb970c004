"""Letters of other alphabets that lie on the keys of a Latin keyboard: there a key is found by where it is."""

from __future__ import annotations

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
    found = dict.fromkeys(letters[place].upper() for letters in _OTHERS if place >= 0)
    return ["+".join([*held, letter]) for letter in found if not letter.isascii()]
