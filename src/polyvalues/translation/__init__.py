"""Pairs into other languages: `PairSet` in, `PairSet` out, by any backend."""
