"""The picture area of a pane: how pixels are drawn, and what mouse and keys do on them."""
