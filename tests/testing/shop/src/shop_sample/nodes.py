import time
from datetime import date

tries = []


def total(prices, rate: float):
    return {"sum": sum(prices["x"]) * rate}


def report(totals):
    return f"{totals['sum']:g} in all"


def spread(report):
    return report, report, report


def stamp(report):
    return f"{date.today()}: {report} at {time.strftime('%H:%M', time.gmtime())}"


def flaky(prices):
    tries.append(len(tries))
    if len(tries) % 3:
        raise ConnectionError("the line is busy")
    return len(prices["x"])


def count(days):
    return len(days)


def fetch(items):
    return len(items)
