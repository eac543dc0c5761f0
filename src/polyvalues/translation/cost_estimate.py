"""What translating will cost, before anything is paid for. Rough: rules of thumb, no tokenizer's count.

    sent     = (prompt + 12 per pair + 6 per text) + characters / d(source)
    received = 12 per pair + 6 per text            + characters / d(source) * g(target)
    d = 4 characters per token in spaced scripts, 1.5 in others;   g = 1.3 for Latin script, 2.5 for others

Counted per request of the endpoint. Prices are the user's, per million tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from polyvalues.config.translation import EndpointSpec
from polyvalues.data.perturbations import spaced
from polyvalues.languages.metadata import language_script
from polyvalues.translation.backends.openai_endpoint import PROMPT
from polyvalues.translation.pair_translation import Volume

_PER_PAIR: Final = 12
_PER_TEXT: Final = 6
_SECONDS: Final = 5.0
"""Of a request, where no rate limit says more."""


@dataclass(frozen=True)
class Estimate:
    """Of all languages together.

    Attributes:
        requests: to the endpoint.
        sent, received: tokens.
        cost: in the currency of the prices; None without prices.
        seconds: how long it will take.
    """

    requests: int
    sent: int
    received: int
    cost: float | None
    seconds: float


def estimate(volumes: Sequence[Volume], source: str, spec: EndpointSpec) -> Estimate:
    """Tokens, cost and time of an endpoint for what is not yet translated."""
    sent = received = 0.0
    requests = 0
    per_token = 4.0 if spaced(source) else 1.5
    for one in volumes:
        pairs = one.requests - one.known
        calls = -(-pairs // spec.batch)
        frame = _PER_PAIR * pairs + _PER_TEXT * one.texts
        growth = 1.3 if language_script(one.target) == "Latn" else 2.5
        requests += calls
        sent += calls * (len(PROMPT) + len(spec.instructions)) / 4 + frame + one.characters / per_token
        received += frame + one.characters / per_token * growth
    seconds = requests * max(_SECONDS / spec.parallel, 60 / spec.per_minute if spec.per_minute else 0.0)
    return Estimate(requests, round(sent), round(received), cost(round(sent), round(received), spec), seconds)


def cost(sent: int, received: int, spec: EndpointSpec) -> float | None:
    """Price of so many tokens; None without prices."""
    if spec.price_in is None or spec.price_out is None:
        return None
    return (sent * spec.price_in + received * spec.price_out) / 1_000_000
