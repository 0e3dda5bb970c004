"""Why a file of a data set cannot be read: the end of a sentence, without the words of the library that tried."""

from __future__ import annotations

import re

from PIL import Image, UnidentifiedImageError

from sss_model.errors import SSSError
from sss_model.storage.atomic_write import reason

_CUT_SHORT = re.compile(r"truncated|end of (the )?(file|data|stream)|not enough", re.IGNORECASE)


def fault(error: BaseException) -> str:
    """What is wrong with the file whose reading raised `error`."""
    if isinstance(error, SSSError):
        return str(error).rstrip(".")
    if isinstance(error, FileNotFoundError):
        return "it does not exist"
    if isinstance(error, UnidentifiedImageError):
        return "it is not a picture of a known format"
    if isinstance(error, Image.DecompressionBombError):
        return f"it has more than {2 * (Image.MAX_IMAGE_PIXELS or 0) // 10**6} million pixels"
    if isinstance(error, MemoryError):
        return "it does not fit into memory"
    if isinstance(error, OSError) and error.errno is not None:
        return reason(error)[0]
    return "it is cut short" if _CUT_SHORT.search(str(error)) else "it is damaged"
