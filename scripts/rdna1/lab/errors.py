"""The one way in which a lab command stops: a sentence that says where, what and how to cure it."""

CHECK_FAILED = 1
COULD_NOT_JUDGE = 2


class LabError(Exception):
    """Stops a command with one sentence on stderr and an exit code; never shown as a traceback."""

    def __init__(self, where: str, what: str, cure: str, *, exit_code: int = COULD_NOT_JUDGE) -> None:
        self.where = where
        self.what = what
        self.cure = cure
        self.exit_code = exit_code
        super().__init__(f"{where}: {what}; {cure}")


def last_words(text: str) -> str:
    """What a program said last: the line that a person would look at first."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("Error: ").rstrip(".") if lines else "it said nothing"
