"""Let ``import torch``, ``import keras`` and ``import tensorflow`` find the faces.

An entry in ``sys.meta_path`` answers for these names and everything below them with the very
module objects of the faces, so that ``torch.nn is tricord.torch.nn``.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

__all__ = ["FACES", "FaceFinder", "install"]

#: the name a script imports, and the face that answers
FACES = {
    "torch": "tricord.torch",
    "torchvision": "tricord.torchvision",
    "keras": "tricord.keras",
    "tensorflow": "tricord.tensorflow",
}


def _target(fullname: str) -> str | None:
    root, _, rest = fullname.partition(".")
    face = FACES.get(root)
    if face is None:
        return None
    if root == "tensorflow" and rest.partition(".")[0] == "keras":
        return f"tricord.{rest}"  # one package under two names: no module of it exists twice
    return f"{face}.{rest}" if rest else face


class _FaceLoader(Loader):
    """Hands out a module that exists already, and leaves it as it was."""

    def __init__(self, target: str):
        self.target = target

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.target)
        self.own_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.own_spec  # the import system has put the alias's there


class FaceFinder(MetaPathFinder):
    """Finds the faces under the names of the frameworks."""

    #: what data-loading processes call before they import the user's script
    tricord_worker_setup = "tricord.cli.imports:install"

    def find_spec(self, fullname: str, path: Sequence[str] | None = None,
                  target: ModuleType | None = None) -> ModuleSpec | None:
        name = _target(fullname)
        if name is None:
            return None
        found = name in sys.modules
        if not found:
            parent, _, leaf = name.rpartition(".")
            try:
                found = importlib.util.find_spec(name) is not None
            except ModuleNotFoundError:
                found = False
            # A submodule may be reached as an attribute only: torch.utils.data, tf.compat.v1.
            if not found and parent in sys.modules:
                attribute = getattr(sys.modules[parent], leaf, None)
                if isinstance(attribute, ModuleType):
                    name, found = attribute.__name__, True
        if not found:
            return None
        return ModuleSpec(fullname, _FaceLoader(name), is_package=True)


def install() -> None:
    """Answer for the frameworks' names from now on, before any installed package does."""
    if not any(isinstance(finder, FaceFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, FaceFinder())
