"""Feature maps <-> files: npz, npy, MATLAB, EXR, TIFF, tensors, and the `[image | features]` strip.

    write_features(path, features, format="npz16")     one of FORMATS; whole or not at all
    read_features(path) -> FeatureFile                 ours, or computed elsewhere, with their picture
    write_strip, read_strip                            8-bit PNG that the authors' MATLAB demo reads

Nothing here executes what a file holds: pickled objects are refused.
"""

from sss_model.feature_io.axis_order import AXIS_ORDERS, TOKENS
from sss_model.feature_io.companion_files import find_image_for, holds_features
from sss_model.feature_io.formats import FEATURE_SUFFIXES, FORMATS, FeatureFormat
from sss_model.feature_io.read import FeatureFile, read_features
from sss_model.feature_io.strip import is_strip, read_strip, write_strip
from sss_model.feature_io.write import write_features

__all__ = [
    "AXIS_ORDERS",
    "FEATURE_SUFFIXES",
    "FORMATS",
    "TOKENS",
    "FeatureFile",
    "FeatureFormat",
    "find_image_for",
    "holds_features",
    "is_strip",
    "read_features",
    "read_strip",
    "write_features",
    "write_strip",
]
