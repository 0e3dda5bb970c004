"""Where a user's own files are, and that the program's own folders are no place to start from."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QStandardPaths

from sss_model.storage.shipped_files import SAMPLE, resource


def pictures_folder() -> Path:
    """The user's folder of pictures; the home where there is none."""
    where = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation))
    return where if where.is_dir() else Path.home()


def is_programs_own(path: Path, data: Path) -> bool:
    """Whether a file came with the program, or lies in its folder `data`, as pasted pictures do."""
    return path == resource(SAMPLE) or path.is_relative_to(data)
