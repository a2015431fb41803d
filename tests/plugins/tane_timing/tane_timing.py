"""Says how long each step took; and doubles numbers, for projects that name it."""


class Timing:
    def after_step(self, event):
        print(f"timing: {event.node} {event.status}")


class Doubling:
    datasets = ["number"]

    def transform(self, name, value):
        return 2 * value
