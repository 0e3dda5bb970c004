"""A comparison of models as one HTML page that holds its own pictures, and as lines of a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import sss_model
from sss_model.analysis.compare_models import MeasuredModel, ModelComparison
from sss_model.analysis.overlay_colours import VIRIDIS, heat
from sss_model.array_types import Picture
from sss_model.errors import ImageError
from sss_model.figure import PIN_COLOURS, FigureLegend, FigurePane, FigurePin, figure_svg
from sss_model.params import FilterParams
from sss_model.storage.atomic_write import replacing

Point = tuple[int, int]
COLUMNS = (
    ("Model", ""),
    ("Features", "numbers of a pixel, and what those of all cells take in float32"),
    ("Grid", "cells that features live on, width x height, and the scales whose features are averaged"),
    ("Time", "of the network on this picture, once it is loaded"),
    ("Memory", "by how much the memory in use rose meanwhile, the features included"),
    ("Weights", "numbers of the network, in millions"),
    ("Variance", "share that the three components shown have of all"),
    ("Agreement", "of the three components with the first model's, once turned into them; 1 is the same"),
    ("Pair AUC", "chance that two pixels of one label are nearer than two of different labels"),
    ("Edge AUC", "the same of pixels that lie close to each other beside a border of labels"),
)
"""Heads of the table, and what they mean."""
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 1500px; margin: 2em auto; padding: 0 1em;
  color: #111; background: #fff }
h1 { font-size: 1.5em } h2 { font-size: 1.1em; margin: 2em 0 .5em }
svg { width: 100%; height: auto }
table { border-collapse: collapse } th, td { padding: .3em .8em; border-bottom: 1px solid #ccc; text-align: right }
th:first-child, td:first-child { text-align: left } dt { font-weight: 600 } dd { margin: 0 0 .3em 1.5em; color: #444 }
"""


def table_rows(rows: Sequence[MeasuredModel]) -> list[tuple[str, ...]]:
    """The table's cells in words, a row a model; the AUC's columns only where a model has any."""
    judged = any(row.pair_auc is not None or row.edge_auc is not None for row in rows)
    return [_cells(row)[: len(COLUMNS) if judged else -2] for row in rows]


def _cells(row: MeasuredModel) -> tuple[str, ...]:
    scales = ", ".join(f"{scale:g}" for scale in row.scales)
    return (
        row.title,
        f"{row.dimensions:,} ({row.feature_bytes / 2**20:,.0f} MB)",
        f"{row.grid[1]} x {row.grid[0]}" + (f" ({scales})" if row.scales != (1.0,) else ""),
        f"{row.seconds:.2f} s" if row.seconds < 10 else f"{row.seconds:.0f} s",
        f"{row.peak_bytes / 2**20:,.0f} MB",
        f"{row.weights / 1e6:.1f} M",
        f"{sum(row.explained):.0%}",
        f"{row.agreement:.2f}",
        *("-" if value is None else f"{value:.3f}" for value in (row.pair_auc, row.edge_auc)),
    )


def table_text(rows: Sequence[MeasuredModel]) -> str:
    """The table for a terminal."""
    cells = table_rows(rows)
    lines = [tuple(head for head, _ in COLUMNS)[: len(cells[0])], *cells]
    wide = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(w) if k == 0 else cell.rjust(w) for k, (cell, w) in enumerate(zip(line, wide, strict=True))
        )
        for line in lines
    )


def write_report(
    path: Path,
    comparison: ModelComparison,
    *,
    name: str,
    filter: FilterParams,
    pins: Sequence[Point] = (),
    metric: str = "cosine",
) -> None:
    """Write `comparison` of the picture `name` as one HTML page, whole or not at all.

    Parameters
    ----------
    filter : with which `comparison.filtered` was made, which the page states
    pins : pixels (x, y) of the photograph; for each the page has the similarity to it in every model
    metric : cosine or distance, of these

    Raises
    ------
    ImageError : the file cannot be written
    """
    titles = [row.title for row in comparison.rows]
    marks = tuple(
        FigurePin(x, y, str(number + 1), PIN_COLOURS[number % len(PIN_COLOURS)]) for number, (x, y) in enumerate(pins)
    )
    parts = [_table(comparison.rows)]
    for heading, pictures in (
        ("Components in common colours", comparison.pictures),
        (
            f"The same, filtered along the picture's edges (radius {filter.radius}, eps {filter.eps:g})",
            comparison.filtered,
        ),
    ):
        parts.append(_pictures(heading, comparison, zip(titles, pictures, strict=True), marks))
    for mark, point in zip(marks, pins, strict=True):
        maps = comparison.similarity(point, metric)
        heading = f"Similarity to pin {mark.label} at {point[0]}, {point[1]} ({metric})"
        shown = [(title, heat(values, 0.0)[..., :3]) for title, values in zip(titles, maps, strict=True)]
        legend = FigureLegend(f"Similarity ({metric})", VIRIDIS)
        parts.append(_pictures(heading, comparison, shown, (mark,), legend))
    page = _page(name, comparison, parts)
    with replacing(path, ImageError) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _pictures(
    heading: str,
    comparison: ModelComparison,
    pictures: Any,
    pins: tuple[FigurePin, ...],
    legend: FigureLegend | None = None,
) -> str:
    def pane(title: str, picture: Picture, legend: FigureLegend | None = None) -> FigurePane:
        return FigurePane(title, picture, pins=pins, size=comparison.size, legend=legend)

    panes = [pane("Photograph", comparison.picture), *(pane(title, picture, legend) for title, picture in pictures)]
    return f"<h2>{escape(heading)}</h2>\n{figure_svg(panes, width='300mm', columns=len(panes))}"


def _table(rows: Sequence[MeasuredModel]) -> str:
    cells = table_rows(rows)
    heads = COLUMNS[: len(cells[0])]
    lines = ["<table>", "<tr>" + "".join(f"<th>{escape(head)}</th>" for head, _ in heads) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in cells]
    meant = "".join(f"<dt>{escape(head)}</dt><dd>{escape(words)}</dd>" for head, words in heads if words)
    return "\n".join(
        [*lines, "</table>", f"<details><summary>What the columns mean</summary><dl>{meant}</dl></details>"]
    )


def _page(name: str, comparison: ModelComparison, parts: Sequence[str]) -> str:
    height, width = comparison.size
    record = {
        "program": "sss-features",
        "version": sss_model.__version__,
        "picture": name,
        "size": [height, width],
        "models": [row.to_dict() for row in comparison.rows],
    }
    notes = [f"{row.title}: {note}" for row in comparison.rows for note in row.notes]
    listed = "".join(f"<li>{escape(note)}</li>" for note in notes)
    first = comparison.rows[0]
    data = json.dumps(record, indent=1).replace("<", "\\u003c")
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(name)}: models compared</title><style>{_STYLE}</style></head>
<body><h1>{escape(name)}: {len(comparison.rows)} models compared</h1>
<p>{width} x {height} pixels, on {escape(first.device)}. The three components of every model are turned (orthogonal
Procrustes) into those of {escape(first.title)}, and have one range: equal colours mean the same in all pictures.</p>
{"".join(f"{part}{chr(10)}" for part in parts)}{f"<h2>Notes</h2><ul>{listed}</ul>" if listed else ""}
<details><summary>All numbers</summary><pre>{escape(json.dumps(record, indent=1))}</pre></details>
<script type="application/json" id="comparison">{data}</script>
</body></html>
"""
