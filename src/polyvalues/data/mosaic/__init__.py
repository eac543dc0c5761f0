"""Mosaic: 420 parallel minimal pairs in 14 languages, and words for judging answers, shipped with the package."""
