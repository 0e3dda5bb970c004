"""Features to pictures: PCA of the guided-filtered features, fixed bases, live previews."""
