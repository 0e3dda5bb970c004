"""Similarity, clusters, contact sheets, and scores of features on labelled pictures."""
