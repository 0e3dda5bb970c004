"""Set up what is missing, then open the window: python3 packaging/run.py [IMAGE ...]

Without an image the bundled sample opens. Without a display `sss-gui` does the same job headless: the four pictures,
the features and a screenshot of the window are written into a folder.
"""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
sys.path.insert(0, HERE)

import python_version  # noqa: E402

python_version.check()  # before anything is read that an old Python cannot

import environment  # noqa: E402

from sss_gui.display import has_display  # noqa: E402


def main():
    through_x = os.environ.get("QT_QPA_PLATFORM", "xcb") == "xcb"  # another platform needs none of X's libraries
    environment.ensure_qt_libraries(window=has_display() and through_x)  # before 3 GB are downloaded
    python = environment.ensure()
    try:
        return subprocess.run([str(python), "-m", "sss_gui.app"] + sys.argv[1:]).returncode  # noqa: RUF005
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
