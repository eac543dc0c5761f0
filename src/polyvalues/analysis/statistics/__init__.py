"""Statistical formulas and tests on plain arrays."""
