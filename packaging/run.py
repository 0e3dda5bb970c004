"""Set up what is missing, then open the window: python3 packaging/run.py [IMAGE ...]

Without an image the bundled sample opens. Without a display the same job is done headless: the four pictures, the
features and a screenshot of the window are written into a folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environment


def main() -> int:
    python = environment.ensure()
    window = environment.has_display()
    environment.ensure_qt_libraries(window=window)
    command = [str(python), "-m", "sss_gui.app", *sys.argv[1:]]
    env = dict(os.environ)
    if not window and "--headless" not in sys.argv:
        folder = Path.cwd() / "sss-features-output"
        print(
            "There is no display here, so no window opens: the pictures, the features and "
            f"a screenshot go into {folder}",
            flush=True,
        )
        command[3:3] = ["--headless", str(folder)]
        env.setdefault("QT_QPA_PLATFORM", "offscreen")
    try:
        return subprocess.run(command, env=env).returncode
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
