"""Every number of `sss_model.params` as a control, generated from the dataclasses' own ranges, units and help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

SECTIONS = ("filter", "projection", "device", "basis", "similarity", "clusters")


class ParamsPanel(QWidget):
    """Sliders, spin boxes and choosers in sections; says what the user turned, changes nothing itself.

    Names in `changing` and `rested` are the fields' names: radius, eps (`FilterParams`), seed, red, green, blue
    (`ProjectionParams`), device, precision, tile (`ExtractParams`), metric, threshold, similarity_shown (`SimilarityParams`),
    clusters, cluster_seed, clusters_shown (`ClusterParams`).
    """

    changing = Signal(str, object)
    """A slider is being dragged: name, value (at once, at every step)."""
    rested = Signal(str, object)
    """A value was settled: slider released, number typed, box chosen."""
    paper_defaults_requested = Signal()
    reroll_requested = Signal()
    basis_mode_requested = Signal(str)
    """'image', 'locked' or 'shared'."""
    basis_save_requested = Signal()
    basis_load_requested = Signal()
    mask_export_requested = Signal()
    clusters_export_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)

    def set_values(self, params: Any) -> None:
        """Show every field of a frozen params record (those without a control are passed over); emits nothing."""

    def set_value(self, name: str, value: Any) -> None:
        """Show one value; emits nothing. A slider that the user is dragging is left alone."""

    def value(self, name: str) -> Any:
        """The value that the control of that field shows."""

    def set_devices(self, devices: Sequence[tuple[str, str]]) -> None:
        """The choices of the device: (key such as 'cuda:0', words such as 'NVIDIA H200'); 'auto' is always first."""

    def set_explained_variance(self, ratios: Sequence[float]) -> None:
        """Explained-variance ratios of the components (falling, in [0, 1]) as bars; () hides them."""

    def set_basis_mode(self, mode: str, note: str = "") -> None:
        """Show which basis is in use ('image', 'locked', 'shared') and where it came from; emits nothing."""

    def set_section_visible(self, section: str, visible: bool) -> None:
        """Show or hide a section of `SECTIONS`."""

    def set_section_open(self, section: str, opened: bool) -> None:
        """Unfold or fold a section."""

    def open_sections(self) -> list[str]:
        """Names of the unfolded sections, for the settings."""
        return []

    def set_section_enabled(self, section: str, enabled: bool) -> None:
        """Enable or grey a section, such as Clusters before there are features."""
