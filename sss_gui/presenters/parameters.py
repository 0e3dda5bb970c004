"""The parameter panel and the session kept in step, in both directions."""

from __future__ import annotations

import random
from dataclasses import fields, replace
from typing import Any

from PySide6.QtCore import QObject

from sss_gui.requests.panes import FeaturesResult, LoadModelResult, PanesResult
from sss_gui.state.session import Session
from sss_gui.widgets.controls.network_menus import NetworkMenus
from sss_gui.widgets.controls.params_panel import ParamsPanel
from sss_model.params import FILTER_PRESETS, ExtractParams, FilterParams, ProjectionParams

FILTER = {f.name: f for f in fields(FilterParams)}
PROJECTION = {f.name for f in fields(ProjectionParams)}
EXTRACT = {f.name for f in fields(ExtractParams)}


class ParametersPresenter(QObject):
    """Turns the words of panel and menus into intents and shows the session's state in them."""

    def __init__(
        self, session: Session, panel: ParamsPanel, network: NetworkMenus, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._panel, self._network = session, panel, network
        self._random = random.Random()
        panel.changing.connect(lambda name, value: self._set(name, value, moving=True))
        panel.rested.connect(lambda name, value: self._set(name, value, moving=False))
        panel.preset_requested.connect(self.use_preset)
        panel.reroll_requested.connect(self.reroll)
        network.rested.connect(lambda name, value: self._set(name, value, moving=False))
        for changed in (session.filter_changed, session.projection_changed):
            changed.connect(panel.set_values)
        session.extract_changed.connect(network.set_values)
        session.displayed_changed.connect(lambda _source: panel.set_explained_variance(()))
        session.status_changed.connect(self._clear_explained)
        session.panes_rendered.connect(self._show_explained)
        session.features_computed.connect(self._show_grid)
        session.model_loaded.connect(self._show_devices)
        for params in (session.state.filter, session.state.projection):
            panel.set_values(params)
        network.set_values(session.state.extract)

    def _set(self, name: str, value: Any, *, moving: bool) -> None:
        """Take the parameter `name`; `moving` while its slider is dragged."""
        state = self._session.state
        if name in FILTER:
            self._session.set_filter(replace(state.filter, **{name: value}), moving=moving)
        elif name in PROJECTION:
            self._session.set_projection(replace(state.projection, **{name: value}))
        elif name in EXTRACT:
            self._session.set_extract(replace(state.extract, **{name: value}))

    def step_radius(self, by: int) -> None:
        """Radius by `by` pixels, within its range; a preview first, exact when the keys rest."""
        value = self._session.state.filter.radius + by
        self._set_filter("radius", value)

    def scale_eps(self, factor: float) -> None:
        """Eps times `factor`, within its range."""
        self._set_filter("eps", self._session.state.filter.eps * factor)

    def _set_filter(self, name: str, value: Any) -> None:
        meta = FILTER[name].metadata
        bounded = min(max(value, meta["low"]), meta["high"])
        self._session.set_filter(replace(self._session.state.filter, **{name: bounded}), moving=True)

    def use_preset(self, name: str) -> None:
        """Radius and eps of the preset `name`, crisp or paper."""
        self._session.set_filter(FILTER_PRESETS[name])

    def reroll(self) -> None:
        """Another seed for the random projection."""
        projection = self._session.state.projection
        self._session.set_projection(replace(projection, seed=self._random.randrange(1, 10_000)))

    def _show_explained(self, result: PanesResult) -> None:
        if result.explained:  # the first panes bring none
            self._panel.set_explained_variance(result.explained)

    def _clear_explained(self) -> None:
        """Shares of the variance of former features are not the wanted ones'."""
        if self._session.outdated:
            self._panel.set_explained_variance(())

    def _show_grid(self, result: FeaturesResult) -> None:
        self._panel.set_grid_side(max(result.grid))

    def _show_devices(self, result: LoadModelResult) -> None:
        self._network.set_devices(result.devices)
