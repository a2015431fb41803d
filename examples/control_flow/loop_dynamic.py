"""A loop over a list that is only known when the run gets there.

The body has two steps: `map` fans the first out over the orders, and hands each item on to the second.
"""

from tane import Pipeline, node


def orders(customers: int = 3) -> list[dict]:
    """As many orders as there are customers; the n-th takes n things at 5 each."""
    return [{"customer": f"c{n}", "basket": {"things": n, "price": 5}} for n in range(1, customers + 1)]


def priced(order: dict) -> dict:
    """A field within a field."""
    basket = order["basket"]
    return {"customer": order["customer"], "sum": basket["things"] * basket["price"]}


def bill(priced: dict) -> str:
    """One line for each customer."""
    return f"{priced['customer']} owes {priced['sum']}"


def letter(bills: list[str]) -> str:
    """All bills together."""
    text = "\n".join(bills)
    print(text)
    return text


body = Pipeline([node(priced, "orders", "priced"), node(bill, "priced", "bills")])

pipeline = Pipeline([orders, body.map("orders"), node(letter, "bills", "letter")])
