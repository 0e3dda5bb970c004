"""What lies over the pictures: similarity, nearest pin, clusters, and their colours."""
