"""How well a matte is carried through frames: python packaging/evaluate_sequences.py FOLDER

FOLDER has a folder for each sequence with NNNNN.jpg and NNNNN.mask.png (255 the object, 128 not counted). A user is
simulated on the first frame: one click in the middle of the object, then four where the error is largest. Prints J, the
mean IoU over all frames, and the chatter: the mean absolute difference of neighbouring alphas where the truth is the
same in both, as they are and with the last one moved along.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from evaluate_mattes import CLICKS, Truth, first_click, iou, next_click
from PIL import Image

from sss_model.extractor import FeatureExtractor
from sss_model.image_io import read_image
from sss_model.matting import MatteEditor, cut_parts
from sss_model.params import GridParams
from sss_model.sequence import begin, carry
from sss_model.sequence.motion import motion_between
from sss_model.working_grid import extract_grid


def frames(folder: Path, grid: GridParams, cache: Path | None) -> Iterator[tuple[Truth, np.ndarray]]:
    """Each frame with its true mask, and its features."""
    extractor = FeatureExtractor(device="cpu")
    for file in sorted(folder.glob("*.jpg")):
        image = read_image(file)
        mask = np.asarray(Image.open(file.with_suffix(".mask.png")).convert("L"))
        kept = cache / f"{folder.name}__{file.stem}.npy" if cache else None
        if kept is None or not kept.exists():
            features = extract_grid(extractor, image, size=grid.size, scales=grid.scales).features.astype(np.float16)
            if kept is not None:
                np.save(kept, features)
        else:
            features = np.load(kept)
        truth = Truth("sequence", file.stem, image, (mask == 255).astype(np.float32), mask != 128, None, ())
        yield truth, features.astype(np.float32)


def measure(folder: Path, grid: GridParams, cache: Path | None) -> tuple[float, float, float, float, float]:
    """J over all frames and of the first and the last, chatter, and chatter with the motion taken away."""
    overlaps: list[float] = []
    chatter: list[tuple[float, float]] = []
    held, last = None, None
    for truth, features in frames(folder, grid, cache):
        parts = cut_parts(truth.image, features)
        if held is None or last is None:
            editor = MatteEditor(truth.image, parts=parts)
            click = first_click(truth)
            for _ in range(CLICKS):
                if click is not None:
                    click = next_click(editor.click(*click), truth)
            held = begin(editor)
        else:
            before, held = held, carry(held, truth.image, parts)
            same = truth.inside == last.inside
            moved = motion_between(before.guide, held.guide).resized(truth.alpha.shape).warped(before.alpha)
            chatter.append(tuple(float(np.abs(held.alpha - a)[same].mean()) for a in (before.alpha, moved)))
        overlaps.append(iou(held.alpha > 0.5, truth))
        last = truth
    return float(np.mean(overlaps)), overlaps[0], overlaps[-1], *np.mean(chatter, axis=0).tolist()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="auto", help="of the working grid; default auto")
    parser.add_argument("--scales", default="", metavar="A,B", help="of the network; default the automatic ones")
    parser.add_argument("--cache", type=Path, help="folder that keeps the frames' features")
    options = parser.parse_args()
    grid = GridParams(options.size, tuple(float(scale) for scale in options.scales.split(",") if scale))
    print("| sequence | J | first frame | last frame | chatter | with the motion taken away |")
    for folder in sorted(path for path in options.folder.iterdir() if path.is_dir()):
        started = time.process_time()
        scores = measure(folder, grid, options.cache)
        print(f"| {folder.name} | {' | '.join(f'{score:.4f}' for score in scores)} |", flush=True)
        print(f"{folder.name}: {time.process_time() - started:.0f} s of a core", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
