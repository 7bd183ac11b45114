"""The error that the sandbox shows to people: a sentence that says what failed, where, and what to do.

Only the command line catches it, prints it without a traceback and exits with 1. Any other exception is a defect and
keeps its traceback.
"""


class SandboxError(Exception):
    """The sandbox cannot continue. The message says why and what to do."""


class PortTakenError(SandboxError):
    """A part ended at its start because another program uses its port. With another port it may start."""
