"""The files in a run's folder, by name."""

BEST_MODEL, LAST_MODEL = "best.safetensors", "last.safetensors"
LAST_STATE = "last.state.pt"  # what a resumed run goes on from
LOG = "log.jsonl"
CONFIG = "config.yaml"
