"""Panels beside the panes: film strip, pixels, status."""
