"""The tool of picture-framer.yaml: it asks a person by itself, in the midst of its work."""

from __future__ import annotations

from langgraph.types import interrupt

PRICES = {"oak": 3, "pine": 2}  # euros for ten centimetres


def quote(width: int, height: int) -> str:
    """The price of a frame for a picture, in centimetres. Asks the customer for the wood."""
    # The tool waits here. Once there is an answer it is run again from its top, and `interrupt`
    # gives the answer: what stands above should do no harm when it is done twice.
    wood = _plain(interrupt("Which wood is it to be, oak or pine?"))
    while wood not in PRICES:
        wood = _plain(interrupt(f"There is no {wood}. Oak or pine?"))
    return f"{2 * (width + height) // 10 * PRICES[wood]} euros in {wood}"


def _plain(answer: str) -> str:
    return answer.strip().casefold()
