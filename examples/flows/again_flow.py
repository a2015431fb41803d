"""Work on with what another flow has made, without its data: run stats_flow.py first.

Run it: `tane run again_flow.py count=2`
"""

from tane import Flow, step


class AgainFlow(Flow):
    """Rank industries by the statistics that StatsFlow has left."""

    count: int = 3

    @step
    def start(self, industry_stats):
        """`industry_stats` is in no catalog: it is the last that a run has kept under this name."""
        self.stats = industry_stats
        self.next(self.steady, self.large)

    @step
    def steady(self):
        """Those in which good and bad months differ least."""
        self.chosen = sorted(self.stats, key=lambda name: self.stats[name]["high"] / self.stats[name]["low"])
        self.next(self.join)

    @step
    def large(self):
        """Those that sell most."""
        self.chosen = sorted(self.stats, key=lambda name: -self.stats[name]["median"])
        self.next(self.join)

    @step
    def join(self, inputs):
        """Take the first of both lists."""
        self.steady_ones, self.large_ones = (one.chosen[: self.count] for one in inputs)
        self.next(self.end)

    @step
    def end(self):
        """Tell them."""
        print(f"Steady: {'; '.join(self.steady_ones)}")
        print(f"Large: {'; '.join(self.large_ones)}")
