"""What `run.py` and `test.py` share: the project's own virtual environment and Qt's system libraries.

Standard library only: it runs on a bare Python. A stamp in `.venv` remembers what was installed, so that a second
start installs nothing.
"""

from __future__ import annotations

import ctypes.util
import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from python_version import supported

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
CONSTRAINTS = ROOT / "packaging" / "constraints.txt"
NEEDED = 6 * 10**9  # bytes of an installation

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
    stamp = VENV / f".installed{'-' + extra if extra else ''}"
    if stamp.is_file() and python().exists() and stamp.read_text() == fingerprint():
        return python()
    _check_writable()
    if not usable():
        print(f"Making a virtual environment in {VENV.name} ...", flush=True)
        try:
            venv.create(VENV, with_pip=True, clear=VENV.exists())
        except subprocess.CalledProcessError as error:  # of ensurepip, which Debian keeps in a package of its own
            sys.exit(f"The virtual environment cannot be made: {error}. On Debian: apt-get install python3-venv")
        except OSError as error:
            sys.exit(f"The virtual environment cannot be made in {VENV}: {error.strerror or error}.")
    _check_room()
    print("Installing (the first time about 3 GB to download, 6 GB on disk) ...", flush=True)
    target = f"{ROOT}[{extra}]" if extra else str(ROOT)
    command = ["-m", "pip", "install", "--disable-pip-version-check", "-c", str(CONSTRAINTS), "-e", target]
    if subprocess.run([str(python()), *command], cwd=ROOT).returncode != 0:
        sys.exit("The installation failed; pip's words are above. Run the same command again to go on.")
    _check_torch()
    stamp.write_text(fingerprint())
    return python()


def usable() -> bool:
    """Whether `.venv` has a Python that the project runs on, with pip; a half-made one (python3-venv was missing) has
    none."""
    if not python().exists() or not supported(venv_version()):
        return False
    try:
        check = [str(python()), "-c", "import pip"]
        return subprocess.run(check, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:  # not a program that runs here
        return False


def venv_version() -> tuple[int, ...]:
    """The version of Python that `.venv` was made with, by its pyvenv.cfg; (0, 0) where that says nothing."""
    try:
        text = (VENV / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0, 0
    match = re.search(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)", text, re.MULTILINE)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def fingerprint() -> str:
    """What `.venv` holds when it is whole: the version of its Python, the project and its pins."""
    # Its own Python's version, whichever starts this: one environment serves them all, and a system update that builds
    # the same version anew leaves it as good as it was.
    digest = hashlib.sha256("{}.{}".format(*venv_version()).encode())
    for file in (ROOT / "pyproject.toml", CONSTRAINTS):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _check_writable() -> None:
    """Leave with a sentence where nothing can be made in the checkout."""
    if not os.access(VENV if VENV.exists() else ROOT, os.W_OK):
        sys.exit(
            f"Nothing can be written into {ROOT}, where the environment goes. "
            "Copy the checkout to a folder of your own, and start it there."
        )


def _check_room() -> None:
    """Leave with a sentence where the disk has no room for an installation; one that is there needs little more."""
    free = shutil.disk_usage(VENV).free
    installed = any(VENV.glob("lib*/**/torch/__init__.py"))
    if not installed and free < NEEDED:
        sys.exit(f"The installation needs about {NEEDED / 1e9:.0f} GB in {VENV}, and {free / 1e9:.1f} GB are free.")


def _check_torch() -> None:
    """Leave with a sentence where torch and torchvision are of two builds, which no version number tells."""
    check = [str(python()), "-c", "import torchvision"]
    done = subprocess.run(check, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0 and "torchvision::" in done.stderr:
        sys.exit(
            "torch and torchvision are of two builds that do not go together, from two package indexes most likely. "
            f"Take both from one:\n    {python()} -m pip install --force-reinstall --no-deps torch torchvision"
        )


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
