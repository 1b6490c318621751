"""One script a figure. ``python -m benchmarks`` runs them all."""
