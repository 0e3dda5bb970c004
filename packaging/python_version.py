"""Which Pythons the project runs on. This file, run.py and test.py are written so that Python 2.7 reads them."""

import sys

OLDEST, NEWEST = (3, 11), (3, 13)


def supported(version):
    """Whether the project runs on the Python of that version, (major, minor, ...)."""
    return OLDEST <= tuple(version[:2]) <= NEWEST


def check():
    """Leave with a sentence on another Python."""
    if not supported(sys.version_info):
        sys.exit(
            "Python %d.%d to %d.%d is needed; this is %s. Start again with one of those, as python3.12 say."  # noqa: UP031
            % (OLDEST + NEWEST + (sys.version.split()[0],))
        )
