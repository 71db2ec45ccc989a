"""How fast the filter is, beside things that everybody has: `python -m benchmarks`."""
