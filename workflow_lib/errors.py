"""Errors for user mistakes: what is wrong, what is allowed, and how to fix it; all problems are reported together."""

from typing import NamedTuple


class Problem(NamedTuple):
    """One problem that a user can fix.

    Attributes:
        where: config key ("models.cnn.training.lr") or file path.
        value: the value found, as text; "" if there is none to show.
        allowed: what is wrong or what is allowed, one sentence without a full stop.
        repair: what to do, one imperative sentence without a full stop.
    """

    where: str
    value: str
    allowed: str
    repair: str

    def __str__(self) -> str:
        found = f": {self.value}" if self.value else ""
        return f"{self.where}{found}\n    {self.allowed}\n    -> {self.repair}"


class UserError(Exception):
    """One or more problems in the user's settings or data; shown without a traceback."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        count = len(self.problems)
        heading = "1 problem" if count == 1 else f"{count} problems"
        return "\n".join([f"{heading}:", *map(str, self.problems)])
