"""The files in a drop or a paste."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData


def local_paths(data: QMimeData) -> list[Path]:
    """Paths of the local files in `data`, in its order; addresses of other machines are left out."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
