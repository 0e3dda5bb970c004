"""Widgets show arrays and emit intents; they decide nothing and never import torch."""
