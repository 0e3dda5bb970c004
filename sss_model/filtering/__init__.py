"""How the guided filter is computed: tiles in threads, sums over windows, the local linear model."""
