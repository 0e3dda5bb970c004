"""The main window, its commands, look, settings and words."""
