"""napari's plug-in: features as layers, mattes by points and strokes, soft layers. `napari.yaml` says what is loaded.

Nothing of it is imported by the window, and importing the package loads neither napari nor torch.
"""
