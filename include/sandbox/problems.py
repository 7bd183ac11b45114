"""The one error the sandbox shows to people: a sentence saying what, where and what to do.

Raised everywhere below, caught only by the command line, which prints it without a traceback and exits with 1.
Anything else that escapes is a defect and keeps its traceback.
"""


class SandboxError(Exception):
    """The sandbox cannot go on, and the message tells a person why and what to do."""


class PortTakenError(SandboxError):
    """A part ended while starting because another program listens on its port: with another port it may start."""
