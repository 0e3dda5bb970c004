"""One image through a network in parts that fit into memory: bands, tiles, stripes of the head."""
