"""The frozen records that cross between the window and the workers."""
