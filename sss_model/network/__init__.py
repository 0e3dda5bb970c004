"""The networks: the supplement's, the authors' published one, a backbone alone; how their grids lie on the image."""
