"""Dense semantic features of photographs: the network, its training, filtering and projection.

After Aksoy et al., "Semantic Soft Segmentation", SIGGRAPH 2018, supplementary material.
Importing this package loads neither torch nor Qt; its modules load what they need.
"""

__version__ = "0.2.0"
