"""Set up what is missing, then open the window: python3 packaging/run.py [IMAGE ...]

Without an image the bundled sample opens. Without a display `sss-gui` does the same job headless: the four pictures,
the features and a screenshot of the window are written into a folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import environment

from sss_gui.display import has_display


def main() -> int:
    through_x = os.environ.get("QT_QPA_PLATFORM", "xcb") == "xcb"  # another platform needs none of X's libraries
    environment.ensure_qt_libraries(window=has_display() and through_x)  # before 3 GB are downloaded
    python = environment.ensure()
    try:
        return subprocess.run([str(python), "-m", "sss_gui.app", *sys.argv[1:]]).returncode
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
