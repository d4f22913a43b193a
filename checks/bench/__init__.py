"""What the `benchmark` check and `invoke bench` stand on: measuring queries, reading plans, keeping baselines."""
