"""Days as settings: YYYY-MM-DD, and nothing else that could be taken for one."""

import datetime
import re
from typing import Annotated, Final

from pydantic import BeforeValidator

TEMPLATE_DAY: Final = datetime.date(2024, 7, 26)
"""What chat templates print that ask what day it is: the day that Llama 3 prints where it cannot ask."""


def _day(value: object) -> object:
    if type(value) is datetime.date or (isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)):
        return value
    raise ValueError(f"{value!r} is not a day such as {TEMPLATE_DAY}")


Day = Annotated[datetime.date, BeforeValidator(_day)]
