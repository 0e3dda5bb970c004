"""What `sss-eval` measures, as data; without torch, for the command's --help."""

from __future__ import annotations

from dataclasses import dataclass

from sss_model.params.fields import Checked, choice, number


@dataclass(frozen=True)
class EvaluateParams(Checked):
    """What is measured, and where."""

    part: str = choice(
        "holdout",
        ("holdout", "train", "all"),
        "Part",
        help="which part of each data set; the parts are those of sss-train",
    )
    holdout: float = number(0.1, 0.0, 0.9, "Held-out part", help="the share that sss-train held out")
    on_bad: str = choice(
        "refuse",
        ("refuse", "skip"),
        "Bad files",
        help="what to do about pairs that are missing, unreadable or do not match",
    )
    limit: int = number(
        0, 0, 10**7, "Limit", unit="pictures", help="at most so many of each data set, evenly spread; 0 takes all"
    )
    longest: int = number(640, 32, 16384, "Longest side", unit="px", help="larger pictures are reduced to this")
    regions: int = number(8, 2, 1000, "Regions", help="labels of a picture whose pixels are compared")
    pixels: int = number(80, 2, 5000, "Pixels", unit="px", help="pixels of each")
    min_area: int = number(64, 1, 10**6, "Minimum area", unit="px", help="smaller labels are left out of the pair AUC")
    edge_pairs: int = number(
        1000, 20, 10**5, "Edge pairs", help="pairs of pixels near a border, of each kind, that the edge AUC compares"
    )
    cluster_pixels: int = number(
        3000, 10, 10**6, "Clustered pixels", unit="px", help="labelled pixels given to k-means"
    )
    things: int = number(
        3, 0, 1000, "Things", help="of a picture, the largest first, that a simulated user clicks; 0 leaves it out"
    )
    click_side: int = number(
        160, 16, 1024, "Side for clicks", unit="cells", help="long side of the grid that clicks are simulated on"
    )
    tolerance: float = number(
        0.0075, 0.0, 0.1, "Tolerance", unit="of the diagonal", source="BSDS500", help="how far a boundary may be off"
    )
    seed: int = number(0, 0, 2**31 - 1, "Seed", help="of the pixels compared")
    threads: int = number(0, 0, 1024, "Threads", help="CPU threads of the arithmetic; 0 leaves it to torch")
