"""Set up what is missing, then check everything: python3 packaging/test.py [--quick[=BASE]] [pytest options]

Style, contracts between folders, dead code, types, and the tests but for the slow ones. Options of pytest are added to
the default ones: `-k tiles` runs fewer, `-m ""` the slow ones too. `--quick` looks at the files that differ from the
last commit (or from BASE), and runs the tests that belong to them; dead code and types are left to the full run.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import python_version

python_version.check()  # before anything is read that an old Python cannot

from checks import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
