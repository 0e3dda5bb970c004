"""What a user sets going: opening, exporting, batches, the copied command line, prefetching, watching files."""
