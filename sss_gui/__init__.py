"""The window over `sss_model`. Importing it loads neither Qt nor torch."""
