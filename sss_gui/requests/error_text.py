"""Any exception as a title, a sentence, a hint and details to copy."""

from __future__ import annotations

import errno
import os
import re
import traceback
from dataclasses import dataclass
from pathlib import Path

from sss_model import errors
from sss_model.debug_log import log_file
from sss_model.storage.atomic_write import REASONS


@dataclass(frozen=True)
class ErrorText:
    """What the window shows over the last good picture.

    Attributes
    ----------
    title : a few words
    sentence : what is wrong, expected and got
    hint : what to do about it
    details : the traceback, for a bug report, and where the log is if there is one
    can_go_on : whether it can be done all the same, if the user wants it (`NotAgreedError`)
    """

    title: str
    sentence: str
    hint: str = ""
    details: str = ""
    can_go_on: bool = False

    @property
    def words(self) -> str:
        """The sentence and the hint."""
        return f"{self.sentence} {self.hint}".strip()


class NotAgreedError(errors.ImageError):
    """A picture that takes more memory to read than is free, and nobody has agreed to that."""


MODEL_TITLE = "The model cannot be used"
_TITLES: tuple[tuple[type[BaseException], str], ...] = (
    (NotAgreedError, "The picture does not fit into memory"),
    (errors.ImageError, "The picture cannot be used"),
    (errors.FeatureFileError, "The feature file cannot be used"),
    (errors.CheckpointError, MODEL_TITLE),
    (errors.DatasetError, "The data cannot be used"),
    (errors.DeviceError, "The device cannot be used"),
    (errors.ParameterError, "A setting is out of its range"),
    (errors.SSSError, "This cannot be done"),
    (OSError, "The file cannot be read or written"),
    (MemoryError, "Not enough memory"),
    (ImportError, "A part of the program is missing"),
)

_READING = REASONS | {
    errno.ENOENT: ("it is not there", "It may have been moved or deleted. Open it again from where it is now."),
    errno.EISDIR: ("it is a folder", "Open the pictures in it."),
    errno.EIO: ("the disk reports an error", "Copy it from elsewhere, or choose another disk."),
}
"""Where reading fails for another cause, or is mended otherwise, than writing."""


def describe(error: BaseException) -> ErrorText:
    """`error` in words. Unknown exceptions are named as what they are: a fault of the program."""
    details = "".join(traceback.format_exception(error)).strip()
    if (log := log_file()) is not None:
        details += f"\n\nWhat the program did before is in {log}"
    title = next((words for kind, words in _TITLES if isinstance(error, kind)), "Something went wrong in the program")
    if isinstance(error, errors.SSSError):
        return ErrorText(title, str(error), error.hint, details, isinstance(error, NotAgreedError))
    if isinstance(error, OSError):
        why, hint = _READING.get(error.errno or 0, ("it cannot be read or written", "The details name the reason."))
        name = f"{Path(os.fsdecode(error.filename)).name}: {why}" if error.filename else why[:1].upper() + why[1:]
        return ErrorText(title, f"{name}.", hint, details)
    if isinstance(error, MemoryError):
        hint = "Close other programs, or open a smaller picture."
        return ErrorText(title, "The computer ran out of memory for this picture.", hint, details)
    if isinstance(error, ImportError):
        named = re.search(r"No module named '([\w.]+)'", str(error))
        part = f"{error.name or (named[1] if named else 'A library')} cannot be loaded."
        return ErrorText(title, part, "Install the program again.", details)
    sentence = f"{type(error).__name__}: {error}" if str(error) else f"{type(error).__name__}."
    return ErrorText(
        title, sentence, "Your picture and settings are kept. Copy the details into a bug report.", details
    )
