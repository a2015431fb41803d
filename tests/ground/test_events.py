"""Observers see events in order, and what one of them does wrong changes nothing."""

from tane import events


def test_observers_see_events_in_the_order_they_subscribed():
    seen = []
    bus = events.Bus([lambda event: seen.append(("first", event))])
    bus.subscribe(lambda event: seen.append(("second", event)))
    notice = events.Notice("run", "info", "text")
    bus.publish(notice)
    assert seen == [("first", notice), ("second", notice)]


def test_a_failing_observer_stops_nobody():
    seen = []

    def broken(event):
        raise ValueError("no")

    bus = events.Bus([broken, seen.append])
    bus.publish(events.Notice("run", "info", "text"))
    assert len(seen) == 1
    assert "ValueError('no')" in bus.faults[0]
