"""Controls of parameters."""
