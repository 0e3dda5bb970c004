"""One image in pieces that fit into memory: bands of the backbone, tiles where it has none, stripes of the head."""
