"""What a training run would be: its data read, two updates taken and thrown away, nothing written."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from sss_model.counted import counted
from sss_model.datasets.dataset import Dataset
from sss_model.errors import DatasetError
from sss_model.inference.memory import peak_bytes
from sss_model.network.grid_maps import FeatureNet
from sss_model.training.data_loading import compared, regions_of
from sss_model.training.distributed import ProcessGroup
from sss_model.training.params import TrainParams
from sss_model.training.trainer import Trainer

_READ = 50  # pictures of each data set that are read, evenly spread


def dry_run(
    network: FeatureNet,
    training: Sequence[Dataset],
    held_out: Sequence[Dataset],
    params: TrainParams,
    processes: ProcessGroup,
) -> str:
    """A report: how many pictures can be trained on, seconds an update, time for all of them, memory.

    Of the two updates the second is timed: in the first, libraries warm up.
    """
    lines = [_check(data, params) for data in (*training, *held_out)]
    short = replace(
        params,
        optimiser=replace(params.optimiser, freeze_updates=0, warmup=0),
        run=replace(params.run, iterations=3, workers=0, validate_every=0, save_every=10**6, tensorboard=False),
    )
    times: list[float] = []

    def tick() -> bool:
        times.append(time.perf_counter())
        return len(times) > 2

    with tempfile.TemporaryDirectory() as folder:
        Trainer(network, training, [], short, Path(folder), processes=processes).run(tick)
    each = times[-1] - times[-2]
    total = each * params.run.iterations
    lines.append(f"one update takes {each:.2f} s with the backbone trained")
    lines.append(f"{params.run.iterations} of them take about {total / 3600:.1f} h")
    lines.append(f"memory: {_memory()}")
    return "\n".join(lines)


def _check(data: Dataset, params: TrainParams) -> str:
    """Read some pictures of `data`, whole, and say what they offer."""
    step = max(1, len(data) // _READ)
    chosen = range(0, len(data), step)
    poor, bad = 0, []
    for index in chosen:
        try:
            example = data.read(index)
        except DatasetError as error:
            if params.run.on_bad == "refuse":
                raise
            bad.append(str(error))
            continue
        example, _ = compared(example, data, params.sampling.contrast)
        poor += regions_of(example, data, params.sampling).distinct < 2
    read = f"{len(chosen)} of {counted(len(data), 'picture')} read"
    text = f"{data.name}: {read}, {poor} of them with fewer than two labels to compare"
    return text + (f", {len(bad)} bad, the first: {bad[0]}" if bad else "")


def _memory() -> str:
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB of the GPU at most"
    return f"{peak_bytes() / 2**30:.1f} GiB at most"
