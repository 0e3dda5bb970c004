"""Weights: checkpoints of ours, backbones from packages and files, DeepLab checkpoints, initial models."""
