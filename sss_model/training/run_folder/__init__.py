"""What a training run leaves in its folder: models, the state that a resumed run goes on from, its log."""
