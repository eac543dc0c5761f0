"""Makes `tests/reference` (the slow oracles) and what test folders share importable from every test folder."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "readers"), str(HERE / "interop"), str(HERE / "steer")]
