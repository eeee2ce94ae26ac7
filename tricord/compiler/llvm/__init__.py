"""LLVM assembly as text: typed values, functions, modules. Knows nothing of graphs."""

from .function import Function, mangled
from .module import Module
from .values import Value, element_of, integer_of, lanes_of, vector

__all__ = ["Function", "Module", "Value", "element_of", "integer_of", "lanes_of", "mangled",
           "vector"]
