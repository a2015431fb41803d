"""Steps that make several values: a list in order, a dict by name."""

from tane import Pipeline, node


def divide(dividend: int, divisor: int) -> tuple[int, int]:
    """Quotient and rest."""
    return dividend // divisor, dividend % divisor


def describe(quotient: int, rest: int) -> dict[str, object]:
    """A number and a sentence."""
    return {"even": quotient % 2 == 0, "sentence": f"{quotient}, and {rest} is left over"}


def tell(sentence: str, even: bool) -> str:
    """Both again."""
    text = f"{sentence} ({'even' if even else 'odd'})"
    print(text)
    return text


pipeline = Pipeline(
    [
        node(divide, ["params:dividend", "params:divisor"], ["quotient", "rest"]),
        node(describe, ["quotient", "rest"], {"even": "is_even", "sentence": "sentence"}),
        node(tell, ["sentence", "is_even"], "text"),
    ]
)
