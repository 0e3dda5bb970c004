"""Frames as one sequence: a matte carried through them."""
