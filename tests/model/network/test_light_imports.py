"""timm is imported without the compiler, and whoever wants the compiler still gets it."""

from __future__ import annotations

import subprocess
import sys

LIGHT = """
import sys
from sss_model.extractor import FeatureExtractor

FeatureExtractor(None, "cpu")
assert "timm" in sys.modules
assert "torch._dynamo" not in sys.modules, "the compiler was loaded"
"""
LATER = """
import torch
from sss_model.network.light_imports import import_timm

timm = import_timm()
assert timm is import_timm()
assert torch._dynamo.disable.__module__.startswith("torch._dynamo"), "the stand-in is still there"
import torchvision
boxes = torch.tensor([[0.0, 0.0, 0.0, 2.0, 2.0]])
print(tuple(torchvision.ops.roi_align(torch.ones(1, 1, 4, 4), boxes, 2).shape))
"""


def run(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_shipped_model_is_built_without_the_compiler():
    run(LIGHT)


def test_the_compiler_comes_when_it_is_asked_for():
    assert run(LATER) == "(1, 1, 2, 2)"
