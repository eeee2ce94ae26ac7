"""Functions over nodes, a file per topic: everything that primitives and other functions give.

Each takes its node operands first and plain hashable values after them, so that the same function
serves `record` (handles), other functions, and programs that are built without any handle.
"""
