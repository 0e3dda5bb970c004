"""Numbers with their noun: one file, two files."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """`number` and `noun`, which gets an s unless there is one.

    Examples
    --------
    >>> counted(1, "file"), counted(2, "file"), counted(0, "layer")
    ('1 file', '2 files', '0 layers')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"
