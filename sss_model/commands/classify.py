"""`--classes FILE` of sss-segment and sss-extract: pictures cut into classes that were taught by strokes.

Each picture's files are called STEM-classes-…, so nothing else that is written of it is replaced; the JSON that says
how they were made is the last of them, and by it a stopped run knows what is done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sss_model.commands.batch import Steps
from sss_model.errors import ParameterError
from sss_model.files.export import check_source
from sss_model.files.inputs import Input, file_sha256
from sss_model.params import ExtractParams
from sss_model.params.layers import ClassParams, LayerExportParams
from sss_model.progress import Progress

if TYPE_CHECKING:
    from sss_model.extractor import CachedExtractor
    from sss_model.pipeline import AnalysedPicture  # loads torch

_NAMED = 20  # doubtful pictures that are told one by one
_LEAST_SURE = 3  # that are told where none is doubtful


class Classification:
    """The classes of one call, and what it found of each picture.

    Parameters
    ----------
    path : the file of taught classes
    folder : where files are written
    export : what is written of the classes
    changed : whether a picture may replace the files of one with its name and other contents
    others : the stems of all pictures of the call
    """

    def __init__(
        self, path: Path, folder: Path, export: LayerExportParams, *, changed: bool, others: Collection[str]
    ) -> None:
        from sss_model.classes import load_classes

        self.classes, self.params = load_classes(path), ClassParams(file_sha256(path))
        self._folder, self._export, self._changed, self._others = folder, export, changed, others
        self._stems: list[str] = []

    def extraction(self, params: ExtractParams) -> ExtractParams:
        """`params` with the working grid that the classes were taught on, where it names none."""
        source = self.classes.source
        if (params.size, params.scales) != ("auto", ()):
            return params
        return replace(params, size=source.size, scales=source.scales)

    def may_stay(self, path: Path, stem: str) -> bool:
        """Whether the files of the picture at `path` are there and may stay; raises `ExportError` where they may not
        be replaced."""
        from sss_model.analysis.layer_files import may_stay

        record = self._record(stem)
        check_source(record, path, changed=self._changed)
        self._stems.append(stem)
        return may_stay(record, self.params, self._export)

    def check_model(
        self, opened: Input, extraction: CachedExtractor, model: Path | None, params: ExtractParams
    ) -> None:
        """Raise `ParameterError` where the network's features would not be those that taught; it loads the network."""
        if opened.features is None:
            checkpoint = extraction.extractor(model, params).checkpoint
            self.classes.check_model(checkpoint.path.name, checkpoint.sha256)

    def write(self, picture: AnalysedPicture, opened: Input, path: Path, stem: str, progress: Progress) -> list[Path]:
        """Write the classes of a `picture`, opened from `path`; returns the files."""
        from sss_model.analysis.class_layers import class_layers, class_lead
        from sss_model.analysis.layer_files import decontaminated, layers_record, write_layer_files

        views = picture.views
        self.classes.check_source(picture.record, views.features)
        layers, sure = class_layers(self.classes, views.features, views.image, opened.image, progress.part(0.0, 0.4))
        layers = replace(layers, plate=opened.plate)
        layers = decontaminated(layers, self._export, progress.part(0.4, 0.7))
        sha256 = picture.record.get("source_sha256", "")
        made = {**picture.record, "confidence": sure}
        record = layers_record(path.name, sha256, layers, self.params, self._export, made)
        target, others = self._folder / class_lead(stem), [class_lead(other) for other in self._others]
        step, colours = progress.part(0.7, 1.0), self.classes.colours
        return write_layer_files(target, layers, self._export, record, step, others=others, colours=colours)

    def finish(self, *, quiet: bool) -> None:
        """Join what the pictures' COCO files say in one, and name the pictures that the classes are unsure of."""
        from sss_model.analysis.class_layers import class_records, join_class_coco
        from sss_model.classes import DOUBTFUL

        known = class_records(self._folder, self._stems)
        if "coco" in self._export.formats:
            join_class_coco(self._folder, known)
        ranked = sorted((entry["confidence"], entry["source"]) for entry in known)
        told = [f"{name} ({value:.2f})" for value, name in ranked]
        count = sum(value < DOUBTFUL for value, _ in ranked)
        if count and not quiet:
            more = f", and {count - _NAMED} more" if count > _NAMED else ""
            names = ", ".join(told[: min(count, _NAMED)])
            print(f"Doubtful, the least sure first: {names}{more}. Teach the classes on some of them.")
        elif len(told) > _LEAST_SURE and not quiet:
            print(f"The least sure: {', '.join(told[:_LEAST_SURE])}. Look at these first.")

    def _record(self, stem: str) -> Path:
        from sss_model.analysis.class_layers import class_lead
        from sss_model.analysis.layer_files import record_name

        return self._folder / record_name(class_lead(stem))


class ClassSegmentations:
    """What sss-segment does with each picture in place of soft segments.

    Parameters
    ----------
    classification : the classes
    opens : reads a picture
    model, params : of the features
    """

    def __init__(
        self,
        classification: Classification,
        opens: Callable[[Path], Input],
        model: Path | None,
        params: ExtractParams,
    ) -> None:
        from sss_model.extractor import CachedExtractor

        self._extraction, self._classification, self._opens = CachedExtractor(), classification, opens
        self._model, self._params = model, classification.extraction(params)

    def write(self, path: Path, stem: str, progress: Progress) -> Steps:
        """Write the classes of the picture at `path`: the files (none where all may stay), and notes."""
        from sss_model.pipeline import analyse

        if self._classification.may_stay(path, stem):
            return [], ()
        progress.report(0.0, "Reading")
        opened = self._opens(path)
        yield
        self._classification.check_model(opened, self._extraction, self._model, self._params)
        part = progress.part(0.02, 0.7)
        picture = analyse(opened, path.name, self._extraction, self._model, self._params, part)
        files = self._classification.write(picture, opened, path, stem, progress.part(0.7, 1.0, "Classes"))
        return files, picture.notes


def check_options(options: Any, export: LayerExportParams) -> None:
    """Raise `ParameterError` for options of sss-segment that say something else than `--classes`."""
    for name, given in (("--names", options.names), ("--masks", options.masks), ("--compare", export.compare),
                        ("--features", options.features), ("--method", options.method != "sss")):  # fmt: skip
        if given:
            raise ParameterError(f"--classes and {name} do not go together: classes bring names and method.")
