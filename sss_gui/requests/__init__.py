"""What is asked of a worker, and how: frozen records of requests and results, and the channels that carry them."""
