"""Primitives with graphs inside: scan, cond, while_loop, call."""

from .bodies import walkers
from .call_record import call
from .cond_record import cond
from .merge import merge_scans
from .scan_record import scan
from .while_record import while_loop

__all__ = ["call", "cond", "merge_scans", "scan", "walkers", "while_loop"]
