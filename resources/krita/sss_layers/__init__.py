"""Krita's plug-in of sss-features: the picture cut into soft layers by the command sss-segment."""

from krita import Krita

from .extension import SoftLayers

Krita.instance().addExtension(SoftLayers(Krita.instance()))
