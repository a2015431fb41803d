"""Where to open a shop: parameters, data from the catalog, and two branches that are joined.

Run it: `tane run shopping_flow.py`
or: `tane run shopping_flow.py industry="Newspaper and book retailing" count=5`
"""

from tane import Flow, Parameter, step


class ShoppingFlow(Flow):
    """Find the states in which a retail industry sells most, and another industry that is worth a look."""

    industry = Parameter(default="Clothing retailing", type=str, help="the industry of the shop")
    count: int = 3
    YEAR = "2018"

    @step
    def start(self, turnover):
        """Take the months of one year; `turnover` is in the catalog."""
        self.table = turnover[turnover["month"].str.startswith(self.YEAR)]
        self.next(self.best_states, self.other_industry)

    @step
    def best_states(self):
        """The states in which the industry sells most, in million dollars a month."""
        chosen = self.table[self.table["industry"] == self.industry]
        if chosen.empty:
            known = ", ".join(sorted(self.table["industry"].unique()))
            raise ValueError(f"there is no industry {self.industry!r}; there are: {known}")
        means = chosen.groupby("state")["turnover"].mean().nlargest(self.count)
        self.states = {state: round(mean, 1) for state, mean in means.items()}
        self.next(self.join)

    @step
    def other_industry(self):
        """The one of the other industries that gained most from the first to the last quarter."""
        others = self.table[self.table["industry"] != self.industry]
        by_month = others.groupby(["industry", "month"])["turnover"].sum().unstack()
        gain = by_month.iloc[:, -3:].sum(axis=1) / by_month.iloc[:, :3].sum(axis=1)
        self.bonus = gain.idxmax()
        self.next(self.join)

    @step(outputs={"plan": "shopping_plan"})
    def join(self, inputs):
        """Put the two branches together. The plan is a dataset of the catalog, too."""
        self.plan = {
            "industry": self.industry,
            "states": inputs.best_states.states,
            "also look at": inputs.other_industry.bonus,
        }
        self.next(self.end)

    @step
    def end(self):
        """Tell the plan."""
        print(f"{self.plan['industry']}, {self.YEAR}:")
        for state, mean in self.plan["states"].items():
            print(f"  {state:<30}{mean:8.1f} million a month")
        print(f"Also look at: {self.plan['also look at']}")
