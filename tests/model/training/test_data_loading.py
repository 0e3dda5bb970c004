"""Workers that read ahead end with the process that started them."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from made_sets import folder_set

ROOT = Path(__file__).resolve().parents[3]
LOAD = """
import sys, os
sys.path[:0] = [os.path.join("tests", "model")]
import psutil
from made_sets import open_set, small_params
from pathlib import Path
from sss_model.training.data_loading import BatchDataset, ProcessSampler, load_batches
data = open_set(Path(sys.argv[1]))
with load_batches(BatchDataset([data], small_params()), ProcessSampler(0, 10**6), 2) as batches:
    next(batches)
    print(*(child.pid for child in psutil.Process().children()), flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere they look once a second")
def test_workers_do_not_outlive_a_killed_run(tmp_path: Path) -> None:
    call = [sys.executable, "-c", LOAD, str(folder_set(tmp_path / "set", 4))]
    process = subprocess.Popen(call, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    workers = [psutil.Process(int(word)) for word in process.stdout.readline().split()]
    assert len(workers) == 2
    process.kill()
    process.communicate()
    begun = time.monotonic()
    _, alive = psutil.wait_procs(workers, timeout=3)  # their loader itself looks every five seconds, if it ever does
    assert not alive, f"alive after {time.monotonic() - begun:.0f} s"
