"""The native functions: names and behaviour of the Python array API standard 2024.12, and more.

`tricord` itself re-exports them all. The modules are by topic; each function records one composite
from `tricord.functions`.
"""
