"""Training: loss, batches, one update, validation, checkpoints, log; `params` holds every number of a recipe."""
