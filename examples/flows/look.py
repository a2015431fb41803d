"""Read the results of a flow from Python, as in a notebook: `python look.py` after `tane run stats_flow.py`."""

from pathlib import Path

import tane

project = tane.open_project(Path(__file__).with_name("stats_flow.py"))
end = project.load("end")  # what its last step has left; each artifact is read when it is asked for

print("artifacts:", ", ".join(end))
for industry, stats in sorted(end.industry_stats.items(), key=lambda pair: -pair[1]["median"])[:3]:
    print(f"{industry:<35}{stats['median']:10.1f}")

first = project.load("measure")[0]  # of a step inside of a foreach, one for each item
print("the first:", first.stats)
