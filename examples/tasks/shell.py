"""`task1 >> [task2, task3]` as shell commands: the second and third wait for the first, and may go side by side."""

from tane import Pipeline, command

task1 = command("echo one", name="task1", cache=False)
task2 = command("echo two", name="task2", after=task1, cache=False)
task3 = command("echo three", name="task3", after=task1, cache=False)

pipeline = Pipeline([task1, task2, task3])
