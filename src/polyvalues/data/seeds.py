"""Seeds that depend on names and nothing else."""

import hashlib


def text_seed(*names: str) -> int:
    """64-bit number of a sequence of names, the same on every machine and whatever else there is."""
    return int.from_bytes(hashlib.sha256("\0".join(names).encode("utf-8", "surrogatepass")).digest()[:8], "big")
