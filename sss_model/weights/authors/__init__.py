"""The TensorFlow checkpoint that the paper's authors published, read without TensorFlow."""
