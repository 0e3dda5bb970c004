"""Files of every kind: written whole or not at all, scratch space, JSON that is not believed, what is shipped."""
