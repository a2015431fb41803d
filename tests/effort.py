"""How hard the law tests try. `make test` draws few examples; `make stress` sets TANE_STRESS and draws many more."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

FACTOR = float(os.environ.get("TANE_STRESS", "1"))


def times(count: int) -> int:
    """A number of examples or rounds, as many times more as asked for."""
    return max(1, round(count * FACTOR))


def drawn(count: int) -> settings:
    """Settings for a law whose examples run whole projects: `count` of them, or more under stress."""
    return settings(
        max_examples=times(count),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


def edited(count: int, steps: int) -> settings:
    """Settings for a state machine: `count` stories of up to `steps` steps."""
    return settings(drawn(count), stateful_step_count=steps)
