"""The network that the paper's authors published, and the reading of its TensorFlow checkpoint."""
