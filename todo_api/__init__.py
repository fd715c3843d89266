"""The HTTP side of the task service."""

__version__ = "1.0.0"
