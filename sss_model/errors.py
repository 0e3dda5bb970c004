"""The errors that this package raises on purpose, and which of others say that memory ran out.

    ValueError
    └── SSSError              a sentence that names what was expected and what came
        ├── ImageError        a photograph that cannot be read or written
        ├── FeatureFileError  a feature map that cannot be read or written
        ├── CheckpointError   a model file that is not one, or does not fit its network
        ├── DatasetError      training data that is missing, mismatched or unreadable
        ├── DeviceError       a device that is not there, or ran out of memory
        └── ParameterError    a parameter out of its range, or an array of the wrong shape
    Cancelled                 the user asked to stop; not an error, and not an SSSError

Every message is whole sentences for a person. ``hint`` says what to do about it.
"""

from __future__ import annotations

import sys


class SSSError(ValueError):
    """Base of all errors raised on purpose; ``str(error)`` is one sentence, ``error.hint`` what to do.

    ``error.missing`` tells a file or folder that is not there, which makes it a wrong call, from one that is bad.
    """

    def __init__(self, message: str, *, hint: str = "", missing: bool = False) -> None:
        super().__init__(message)
        self.hint, self.missing = hint, missing


class ImageError(SSSError):
    """A photograph that cannot be read or written."""


class FeatureFileError(SSSError):
    """A feature map that cannot be read or written."""


class CheckpointError(SSSError):
    """A model file that is not one, or whose weights do not fit its network."""


class DatasetError(SSSError):
    """Training data that is missing, mismatched or unreadable."""


class DeviceError(SSSError):
    """A device that is not there, or that ran out of memory."""


class ParameterError(SSSError):
    """A parameter out of its range, or an array of the wrong shape or type."""


class Cancelled(Exception):  # noqa: N818 - it is no error
    """The user asked to stop. Raised out of ``Progress.report``."""


_OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "std::bad_alloc",  # C++'s, as pybind11 hands it on
    "_status_alloc_failed",
    "failed to map segment",
    "can't start new thread",  # whose stack has no room
)
_NO_EXCEPTION = "error return without exception set"  # Python's, which had no room for the exception itself
_NO_PRIMITIVE = "could not create a primitive"  # oneDNN, which had described it and finds no room for its code


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory ran out, on any device, or while a library was loaded."""
    torch = sys.modules.get("torch")  # without it nothing has raised its error
    if isinstance(error, MemoryError) or (torch is not None and isinstance(error, torch.OutOfMemoryError)):
        return True
    words = str(error).lower()
    if isinstance(error, SystemError) and words.endswith(_NO_EXCEPTION):
        return True
    if isinstance(error, ImportError) and error.__cause__ is not None:  # scipy and numpy say then that they are broken
        return is_out_of_memory(error.__cause__)
    told = any(phrase in words for phrase in _OUT_OF_MEMORY) or words == _NO_PRIMITIVE
    return told and isinstance(error, (RuntimeError, OSError, ImportError))
