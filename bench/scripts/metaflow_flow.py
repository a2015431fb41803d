"""The tree of four nodes. Metaflow asks for one more step, which ends."""

from metaflow import FlowSpec, step


class Values(FlowSpec):
    @step
    def start(self) -> None:
        self.value = 3
        self.next(self.one, self.two)

    @step
    def one(self) -> None:
        self.value += 1
        self.next(self.zero)

    @step
    def two(self) -> None:
        self.value = 2
        self.next(self.zero)

    @step
    def zero(self, inputs: list[FlowSpec]) -> None:
        self.value = sum(one.value for one in inputs)
        self.next(self.end)

    @step
    def end(self) -> None:
        pass


if __name__ == "__main__":
    Values()
