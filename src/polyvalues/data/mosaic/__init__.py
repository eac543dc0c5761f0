"""Mosaic: 420 parallel minimal pairs in 16 languages, and words for judging answers, shipped with the package."""
