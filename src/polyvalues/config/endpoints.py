"""Addresses of OpenAI-compatible endpoints, as part of what identifies an answer: a model's name says little alone."""

import os
from urllib.parse import urlsplit


def endpoint_address(base_url: str | None) -> str:
    """Host and path that a client will ask, without user, password and port; empty: the client's own endpoint.

    The port is left out because servers that are started for a run get another one each time.

    Args:
        base_url: as in the settings; None: `OPENAI_BASE_URL`.
    """
    parts = urlsplit(base_url or os.environ.get("OPENAI_BASE_URL", ""))
    return (parts.hostname or "") + parts.path.rstrip("/")
