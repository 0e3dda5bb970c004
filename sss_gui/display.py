"""Whether a window can be shown. Standard library only: packaging/run.py asks before anything is installed."""

from __future__ import annotations

import os
import sys


def has_display() -> bool:
    """Whether a window can be shown: always, but on a Linux without X, Wayland or a platform of its own choosing."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return not sys.platform.startswith("linux") or any(os.environ.get(name) for name in names)
