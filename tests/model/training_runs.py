"""Small training runs, without the command: their data, the run, its log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from made_sets import folder_set

from sss_model.datasets.dataset import Dataset, open_dataset
from sss_model.network.build import build_network
from sss_model.params import DataSource
from sss_model.training.params import TrainParams
from sss_model.training.run_folder.checkpoints import LAST_STATE, read_state
from sss_model.training.run_folder.log import LOG
from sss_model.training.trainer import Trainer, TrainingResult

Parts = tuple[list[Dataset], list[Dataset]]


def make_parts(root: Path) -> Parts:
    """A folder of twelve pictures, as training and held-out part."""
    source = DataSource(str(folder_set(root, 12)))
    return [open_dataset(source, part="train", holdout=0.3)], [open_dataset(source, part="holdout", holdout=0.3)]


def train(
    parts: Parts,
    params: TrainParams,
    output: Path,
    *,
    stop_at: int | None = None,
    resume: bool = False,
) -> TrainingResult:
    """Train into `output`, from its state with `resume`, until `stop_at` updates are done."""
    output.mkdir(exist_ok=True)
    state = read_state(output / LAST_STATE) if resume else None
    torch.manual_seed(params.run.seed)
    network = build_network(params.network)
    trainer = Trainer(network, *parts, params, output, state=state)
    seen = 0

    def stop() -> bool:
        nonlocal seen
        seen += 1
        return stop_at is not None and seen > stop_at

    return trainer.run(stop)


def events(output: Path, name: str) -> list[dict[str, Any]]:
    """The lines of a log that tell of `name`."""
    lines = [json.loads(line) for line in (output / LOG).read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line["event"] == name]
