"""The work of `sss-eval`; its options are in `evaluate`, which loads no torch."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace

import torch
from tqdm import tqdm

from sss_model.analysis.contact_sheet import ContactSheet
from sss_model.analysis.evaluate import Evaluator, PictureScores, Summary, summarise, table
from sss_model.analysis.evaluate_params import EvaluateParams
from sss_model.commands.options import build, build_filter
from sss_model.datasets.dataset import open_datasets, parse_source
from sss_model.errors import DatasetError, FeatureFileError
from sss_model.extractor import FeatureExtractor
from sss_model.network.build import build_network
from sss_model.network.grid_maps import FeatureNet
from sss_model.params import GridParams
from sss_model.params.fields import Checked
from sss_model.storage.atomic_write import check_target, replacing
from sss_model.weights.initialise import init_weights

_SECONDS_BETWEEN_LINES = 10.0  # where no terminal shows a bar


def evaluate(options: argparse.Namespace) -> None:
    """Measure what `options` of `sss-eval` ask for; print the table, write the files."""
    params, smoothing = build(EvaluateParams, options), build_filter(options)
    grid = build(GridParams, options)
    for file in filter(None, (options.json, options.contact_sheet)):
        check_target(file, FeatureFileError)
    if params.threads:
        torch.set_num_threads(params.threads)
    lie = options.label_maps or "upright"
    sources = [replace(parse_source(text), label_maps=lie) for text in options.data]
    datasets = open_datasets(
        sources,
        part=params.part,
        holdout=params.holdout,
        on_bad=params.on_bad,
        warn=lambda text: print(f"note      {text}", file=sys.stderr),
    )
    extractor = FeatureExtractor(options.model, options.device)
    each = -(-options.sheet_pictures // len(datasets))
    sheet, summaries = ContactSheet(options.sheet_pictures), []
    pictures: dict[str, list[PictureScores]] = {}
    for data in datasets:
        begun: list[str] = []

        def seen(maps, scores, begun=begun):  # type: ignore[no-untyped-def]
            if len(begun) < each:
                begun.append(scores.name)
                sheet.add(maps, scores)

        taps = _yardstick(extractor, options.taps)
        evaluator = Evaluator(extractor, params, smoothing, grid=grid, taps=taps, seen=seen)
        found, problems = [], [f"{path}: {reason}" for path, reason in data.problems]
        count, pause = min(len(data), params.limit or len(data)), 0.1 if sys.stderr.isatty() else _SECONDS_BETWEEN_LINES
        for index, scores in tqdm(evaluator.pictures(data), data.name, count, unit="picture", mininterval=pause):
            if isinstance(scores, PictureScores):
                found.append(scores)
            else:
                problems.append(f"{data.items[index].picture}: {scores}")
        for problem in problems:
            print(f"left out  {problem}", file=sys.stderr)
        if not found:
            raise DatasetError(f"No picture of {data.name} could be measured.")
        pictures[data.name] = found
        summaries.append(summarise(data.name, found, problems))
    print(table(summaries, own_taps=options.taps is None))
    _write(options, extractor, {"params": params, "grid": grid, "filter": smoothing}, summaries, pictures)
    if options.contact_sheet is not None:
        sheet.write(options.contact_sheet)


def _yardstick(extractor: FeatureExtractor, source: str | None) -> FeatureNet | None:
    """A network of the model's kind with the backbone's weights from `source`."""
    if source is None:
        return None
    network = build_network(extractor.checkpoint.params)
    init_weights(network, source)
    return network


def _write(
    options: argparse.Namespace,
    extractor: FeatureExtractor,
    records: dict[str, Checked],
    summaries: Sequence[Summary],
    pictures: dict[str, list[PictureScores]],
) -> None:
    if options.json is None:
        return
    content = {
        "model": str(extractor.checkpoint.path.name),
        "sha256": extractor.checkpoint.sha256,
        **{name: record.to_dict() for name, record in records.items()},
        "own_taps": options.taps is None,
        "sets": [s.to_dict() for s in summaries],
        "pictures": {
            name: [{k: v for k, v in vars(p).items() if k != "boundaries"} for p in found]
            for name, found in pictures.items()
        },
    }
    with replacing(options.json, FeatureFileError) as temporary:
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
