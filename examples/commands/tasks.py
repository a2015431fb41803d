"""Tasks without data: `task1 >> [task2, task3]`. They run every time, as they make nothing that could be kept."""

from tane import Pipeline, command

task1 = command("date", name="task1", cache=False)
task2 = command("echo a", name="task2", after=task1, cache=False)
task3 = command("echo b", name="task3", after=task1, cache=False)

pipeline = Pipeline([task1, task2, task3])
