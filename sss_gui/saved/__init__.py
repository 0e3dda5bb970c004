"""What outlives the window: session files, autosave and crash restore, the snapshot of a window."""
