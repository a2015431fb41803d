"""Airflow's first tutorial: print the date, then sleep, and side by side with it run a command made from a template.

The tasks make nothing that could be kept, so each run does them all: `tane run tutorial.py day=2026-01-31 -j 2`.
"""

from tane import Pipeline, command

print_date = command("date", name="print_date", cache=False)

nap = command("sleep {params:nap}", "params:nap", name="sleep", after=print_date, retries=3, cache=False)

templated = command(
    """
    for i in 1 2 3 4 5; do
        echo {params:day}
        date -d "{params:day} + {params:days_ahead} days" +%F
    done
    """,
    ["params:day", "params:days_ahead"],
    name="templated",
    after=print_date,
    cache=False,
)

pipeline = Pipeline([print_date, nap, templated])
