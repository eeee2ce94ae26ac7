"""The command line: ``tricord run | train | demo | info``."""

from .main import main

__all__ = ["main"]
