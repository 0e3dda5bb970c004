"""The work of `sss-train`; its options are in `train`, which loads no torch."""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from sss_model.commands.ending import DONE, INTERRUPTED, TERMINATED
from sss_model.datasets.dataset import Dataset, describe, open_datasets, parse_source
from sss_model.errors import CheckpointError, ParameterError, SSSError
from sss_model.files.export import ExportError, prepare_folder
from sss_model.files.folder_lock import LOCK, lock_folder
from sss_model.network.build import build_network
from sss_model.network.grid_maps import FeatureNet
from sss_model.storage.atomic_write import replacing
from sss_model.training.config import read_config, with_config, write_config
from sss_model.training.data_loading import BatchDataset
from sss_model.training.distributed import ProcessGroup, join_process_group
from sss_model.training.optimiser import measure_norm_statistics
from sss_model.training.params import SECTIONS, TrainParams, preset
from sss_model.training.run_folder.checkpoints import read_state
from sss_model.training.run_folder.file_names import BEST_MODEL, CONFIG, LAST_STATE, LOG
from sss_model.training.trainer import Trainer
from sss_model.weights.initialise import init_weights

_BEFORE_SAVING = (CONFIG, LOG, LOCK, "events.out.tfevents.*", ".*.part.pt")  # what a run writes before its state
_MEASURED = 8  # pictures that give a random backbone its norm statistics


def train(options: argparse.Namespace, command: str) -> int:
    """Do what `options` of `sss-train` ask for; returns the exit code. `command` is what model files say of the call.

    Raises
    ------
    ParameterError : the call does not go together, or does not fit the state to go on from
    DatasetError, CheckpointError : data, weights or state cannot be read, or the run cannot be saved
    ExportError : the output folder cannot be used
    """
    state_file = _state_file(options)
    state = read_state(state_file) if state_file is not None else None
    params = gather_params(options, state["params"] if state is not None else None)
    if options.print_config:
        print(write_config(params), end="")
        return DONE
    if not params.data:
        raise ParameterError("No data set was named: expected --data DIR at least once.")
    _prepare_torch(params)
    training = _open(params, "train")
    held_out = _open(params, "holdout") if params.run.holdout > 0 else []
    network = build_network(params.network)
    print(_start(network, options, training, params) if state is None else _unused(options), end="", file=sys.stderr)
    with ExitStack() as stack:
        processes = stack.enter_context(join_process_group(params.run.device))
        if processes.first:
            _announce(network, training, held_out)
        if options.dry_run:
            from sss_model.training.dry_run import dry_run

            print(dry_run(network, training, held_out, params, processes))
            return DONE
        output = _output_folder(options, state_file, processes)
        if processes.first:
            stack.enter_context(lock_folder(output, "sss-train"))
        brought = processes.first and state_file is not None and _bring_best(state_file.parent, output)
        metadata = {"command": command, "data": describe(training), "torch": torch.__version__}
        try:
            trainer = Trainer(
                network, training, held_out, params, output, processes=processes, state=state, metadata=metadata
            )
        except SSSError as error:
            if brought:
                (output / BEST_MODEL).unlink()  # else the corrected call finds a folder that is not empty
            raise ParameterError(str(error), hint=error.hint) from error  # of the call, which does not fit the state
        if processes.first:
            with replacing(output / CONFIG, ExportError) as temporary:
                temporary.write_text(write_config(params), encoding="utf-8")
        asked = stack.enter_context(_signals_noted())
        result = trainer.run(lambda: bool(asked))
    if result.stopped:
        print(f"Stopped after update {result.update}; --resume goes on from {output / LAST_STATE}.", file=sys.stderr)
        return TERMINATED if signal.SIGTERM in asked else INTERRUPTED
    return DONE


def _start(network: FeatureNet, options: argparse.Namespace, training: list[Dataset], params: TrainParams) -> str:
    """Give `network` its first weights; returns what was done, as a line."""
    if options.init_weights:
        return f"{init_weights(network, options.init_weights, consent=options.allow_download)}\n"
    batches = BatchDataset(training, params)
    measure_norm_statistics(network, (torch.from_numpy(batches[k].image)[None] for k in range(_MEASURED)))
    return (
        f"The backbone starts from random weights, its norm layers from {_MEASURED} pictures. The paper starts from "
        "segmentation weights: --init-weights deeplab-coco.\n"
    )


def _unused(options: argparse.Namespace) -> str:
    """What is not used when a state is resumed, as a line; nothing where none of it was asked for."""
    given = {"--preset": options.preset, "--init-weights": options.init_weights}
    names = " and ".join(name for name, value in given.items() if value)
    return f"Not used, because the resumed state holds the recipe and the weights: {names}.\n" if names else ""


def _prepare_torch(params: TrainParams) -> None:
    if params.run.threads:
        torch.set_num_threads(params.run.threads)
    if params.run.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS is refused
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
    torch.manual_seed(params.run.seed)


def gather_params(options: argparse.Namespace, resumed: dict[str, Any] | None = None) -> TrainParams:
    """The parameters that `options` ask for: those of a preset or of the run being resumed, then --config's, then the
    command's options.

    Parameters
    ----------
    options : as parsed, with `data`, `config` and `preset`
    resumed : parameters of the run that goes on, in place of a preset's

    Raises
    ------
    ParameterError : an unknown name, or a value out of its range
    """
    params = TrainParams.from_dict(resumed) if resumed is not None else preset(options.preset or "paper")
    if options.config is not None:
        params = with_config(params, read_config(options.config))
    given = vars(options)
    sections = {
        name: {f.name: given[f.name] for f in dataclasses.fields(record) if f.name in given}
        for name, record in SECTIONS.items()
    }
    params = params.with_values(sections)
    if options.data:
        params = dataclasses.replace(params, data=tuple(parse_source(text) for text in options.data))
    if options.label_maps:
        data = tuple(dataclasses.replace(source, label_maps=options.label_maps) for source in params.data)
        params = dataclasses.replace(params, data=data)
    return params


def _state_file(options: argparse.Namespace) -> Path | None:
    if options.resume is None:
        return None
    if options.resume != "auto":
        path = Path(options.resume)
        return path / LAST_STATE if path.is_dir() else path
    if options.output is None:
        raise ParameterError("--resume auto needs --output, whose state it takes.")
    path = options.output / LAST_STATE
    return path if path.exists() else None


def _output_folder(options: argparse.Namespace, state_file: Path | None, processes: ProcessGroup) -> Path:
    """The folder to write to, made where it is missing."""
    output: Path | None = (
        options.output if options.output is not None else state_file.parent if state_file is not None else None
    )
    if output is None:
        raise ParameterError("No output folder was named: expected --output DIR.")
    goes_on = state_file is not None and state_file.parent.resolve() == output.resolve()
    if processes.first:
        prepare_folder(output)
        if not goes_on and not _takes_a_start(output):
            raise ParameterError(f"The output folder {output} is not empty.", hint=_other_folder(output))
    processes.wait()
    return output


def _takes_a_start(output: Path) -> bool:
    """Whether `output` is empty, or holds no more than a run leaves that ended before it saved anything."""
    return all(any(map(entry.match, _BEFORE_SAVING)) for entry in output.iterdir())


def _other_folder(output: Path) -> str:
    if (output / LAST_STATE).exists():
        return "Choose a new one, or go on with --resume auto."
    return f"Choose a new one; there is no {LAST_STATE} in it to go on from."


def _bring_best(before: Path, output: Path) -> bool:
    """Copy the best model so far into another folder, where the run that goes on may not exceed it; whether it was."""
    best = before / BEST_MODEL
    if not best.is_file() or (output / BEST_MODEL).exists():
        return False
    with replacing(output / BEST_MODEL, CheckpointError) as temporary:
        shutil.copyfile(best, temporary)
    return True


def _open(params: TrainParams, part: str) -> list[Dataset]:
    def warn(text: str) -> None:
        print(f"note      {text}", file=sys.stderr)

    return open_datasets(params.data, part=part, holdout=params.run.holdout, on_bad=params.run.on_bad, warn=warn)


def _announce(network: FeatureNet, training: list[Dataset], held_out: list[Dataset]) -> None:
    for line in describe(training):
        print(f"train     {line}", file=sys.stderr)
    for line in describe(held_out):
        print(f"held out  {line}", file=sys.stderr)
    for data in training:
        for path, reason in data.problems[:20]:
            print(f"left out  {path} {reason}", file=sys.stderr)
        if len(data.problems) > 20:
            print(f"left out  and {len(data.problems) - 20} more of {data.name}", file=sys.stderr)
    size = sum(p.numel() for p in network.parameters())
    print(f"network   {network.params.backbone}, {size / 1e6:.1f} M weights", file=sys.stderr)


@contextmanager
def _signals_noted() -> Iterator[list[int]]:
    """Ctrl-C and SIGTERM fill the list instead of ending the process; a second one ends it."""
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> Any:
        if asked:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        asked.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
