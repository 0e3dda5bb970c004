"""How the guided filter is computed: sums over boxes, the local linear model, tiles in parallel."""
