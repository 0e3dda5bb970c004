"""What `run.py` and `test.py` share: the project's own virtual environment and Qt's system libraries.

Standard library only: it runs on a bare Python. A stamp in `.venv` remembers what was installed, so that a second
start installs nothing.
"""

from __future__ import annotations

import ctypes.util
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
CONSTRAINTS = ROOT / "packaging" / "constraints.txt"
OLDEST, NEWEST = (3, 11), (3, 13)

# library that Qt loads -> Debian's package, for a drawing surface in memory and for a real window
OFFSCREEN = {
    "glib-2.0": "libglib2.0-0",
    "GL": "libgl1",
    "EGL": "libegl1",
    "xkbcommon": "libxkbcommon0",
    "dbus-1": "libdbus-1-3",
    "fontconfig": "libfontconfig1",
}
WINDOW = {
    "xcb-cursor": "libxcb-cursor0",
    "xcb-icccm": "libxcb-icccm4",
    "xcb-keysyms": "libxcb-keysyms1",
    "xcb-shape": "libxcb-shape0",
    "xkbcommon-x11": "libxkbcommon-x11-0",
}


def python() -> Path:
    """The virtual environment's interpreter."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def ensure(extra: str = "") -> Path:
    """Make `.venv` if needed, install the project with its pinned versions and `extra`; returns its Python."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        sys.exit(f"Python 3.11 to 3.13 is needed; this is {sys.version.split()[0]}. Start again with one of those.")
    stamp = VENV / f".installed{'-' + extra if extra else ''}"
    wanted = fingerprint()
    if stamp.is_file() and stamp.read_text() == wanted and python().exists():
        return python()
    if not usable():
        print(f"Making a virtual environment in {VENV.name} ...", flush=True)
        try:
            venv.create(VENV, with_pip=True, clear=VENV.exists())
        except (subprocess.CalledProcessError, OSError) as error:
            sys.exit(f"The virtual environment cannot be made: {error}. On Debian: apt-get install python3-venv")
    print("Installing (the first time about 3 GB to download, 6 GB on disk) ...", flush=True)
    target = f"{ROOT}[{extra}]" if extra else str(ROOT)
    command = [
        str(python()),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "-c",
        str(CONSTRAINTS),
        "-e",
        target,
    ]
    if subprocess.run(command, cwd=ROOT).returncode != 0:
        sys.exit("The installation failed; pip's words are above. Run the same command again to go on.")
    stamp.write_text(wanted)
    return python()


def usable() -> bool:
    """Whether `.venv` has a Python with pip; one that was half made (python3-venv was missing) has none."""
    if not python().exists():
        return False
    check = [str(python()), "-c", "import pip"]
    return subprocess.run(check, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def fingerprint() -> str:
    """What `.venv` was made for: the version of Python, the project and its pins."""
    # the version alone: a system update that builds the same Python anew leaves the environment as good as it was
    digest = hashlib.sha256("{}.{}".format(*sys.version_info[:2]).encode())
    for file in (ROOT / "pyproject.toml", CONSTRAINTS):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def ensure_qt_libraries(*, window: bool) -> None:
    """On Linux, install what Qt misses where that is allowed (root and apt), otherwise stop with the exact command."""
    if not sys.platform.startswith("linux"):
        return
    wanted = {**OFFSCREEN, **(WINDOW if window else {})}
    missing = [package for library, package in wanted.items() if ctypes.util.find_library(library) is None]
    if not missing:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"Installing system libraries for Qt: {' '.join(missing)}", flush=True)
        quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
        subprocess.run(["apt-get", "update"], **quiet)
        if subprocess.run(command, **quiet).returncode == 0:
            return
    sys.exit(f"Qt needs system libraries that are not installed. Run:\n    sudo {' '.join(command)}")
