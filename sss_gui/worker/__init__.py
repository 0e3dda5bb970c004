"""The worker's thread: the engines that answer requests and remember every stage of the work."""
