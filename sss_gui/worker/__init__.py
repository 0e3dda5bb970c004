"""The worker's thread: it answers messages with the engines, and remembers every stage of the work."""
