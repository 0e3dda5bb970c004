"""From parameters to a network: the one place that knows which class a variant is."""

from __future__ import annotations

from sss_model.network.authors_release import AuthorsReleaseNet
from sss_model.network.backbone import build_backbone
from sss_model.network.backbone_only import BackboneOnlyNet
from sss_model.network.grid_maps import FeatureNet
from sss_model.network.supplement import SupplementNet
from sss_model.params import NetworkParams


def build_network(params: NetworkParams) -> FeatureNet:
    """The network that `params` describe, in evaluation mode, with random weights (Xavier outside the backbone).

    Raises
    ------
    ParameterError : no such backbone, or one that does not fit the variant

    Examples
    --------
    >>> params = NetworkParams(backbone="tf_efficientnet_lite2", output_stride=32)
    >>> build_network(params).feature_channels
    128
    """
    if params.variant == "released":
        return AuthorsReleaseNet(params).eval()
    backbone = build_backbone(params.backbone, params.output_stride, params.blocks)
    if params.variant == "taps":
        return BackboneOnlyNet(backbone, params).eval()
    return SupplementNet(backbone, params).eval()
