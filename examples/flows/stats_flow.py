"""Statistics for each industry: the same steps once for each item of a list, then joined.

Run it: `tane run stats_flow.py -j 2`
"""

from tane import Flow, step


class StatsFlow(Flow):
    """Quartiles of monthly turnover, industry by industry."""

    since: str = "2014-01"

    @step
    def start(self, turnover):
        """Find the industries; what follows is done for each of them."""
        self.table = turnover[turnover["month"] >= self.since]
        self.industries = sorted(self.table["industry"].unique())
        self.next(self.measure, foreach="industries")

    @step
    def measure(self):
        """`self.input` is one industry."""
        months = self.table[self.table["industry"] == self.input].groupby("month")["turnover"].sum()
        low, median, high = months.quantile([0.25, 0.5, 0.75])
        self.stats = {"low": round(low, 1), "median": round(median, 1), "high": round(high, 1)}
        self.next(self.join)

    @step(outputs="industry_stats")
    def join(self, inputs):
        """Gather what each has found."""
        self.industry_stats = {one.input: one.stats for one in inputs}
        self.next(self.end)

    @step
    def end(self):
        """Tell the largest."""
        largest = max(self.industry_stats, key=lambda name: self.industry_stats[name]["median"])
        print(f"{len(self.industry_stats)} industries; the largest is {largest}")
