import logging
from typing import Any

from redun import Scheduler
from redun.config import Config
from redun_flow import joined, value
from shapes import asked, expected
from watch import Watch

count, shape = asked()
logging.disable(logging.CRITICAL)
scheduler = Scheduler(Config({"backend": {"db_uri": "sqlite:///redun.db"}}))
scheduler.load()  # makes the database

with Watch():
    found: Any = scheduler.run(joined(value, count, shape))
assert found == expected(count)
