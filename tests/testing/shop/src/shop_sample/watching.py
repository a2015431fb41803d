seen = []


class Counting:
    def after_step(self, event):
        seen.append(event.node)
