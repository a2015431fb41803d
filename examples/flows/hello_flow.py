"""The smallest flow: three steps in a row.

Run it: `tane run hello_flow.py`
"""

from tane import Flow, step


class HelloFlow(Flow):
    """A flow begins with `start` and ends with `end`; each step names the one that comes next."""

    @step
    def start(self):
        """Begin."""
        print("HelloFlow begins.")
        self.next(self.hello)

    @step
    def hello(self):
        """Set an attribute: the steps that follow have it."""
        self.message = "Hello from a step!"
        print(self.message)
        self.next(self.end)

    @step
    def end(self):
        """Use it."""
        print(f"HelloFlow ends. It was said: {self.message}")
