"""The smallest flow: three steps in a row.

    tane run hello_flow.py
"""

from tane import Flow, step


class HelloFlow(Flow):
    """A flow begins with `start` and ends with `end`; each step names the one that comes next."""

    @step
    def start(self):
        print("HelloFlow begins.")
        self.next(self.hello)

    @step
    def hello(self):
        self.message = "Hello from a step!"
        print(self.message)
        self.next(self.end)

    @step
    def end(self):
        print(f"HelloFlow ends. It was said: {self.message}")
