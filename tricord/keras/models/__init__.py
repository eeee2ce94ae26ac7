"""Models."""

from ..saving.model_files import load_model, model_from_json, save_model
from ..saving.registry import register_builtins
from .clone import clone_model
from .model import Functional, Model, Sequential

__all__ = ["Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json",
           "save_model"]

register_builtins("models", {"Model": Model, "Functional": Functional, "Sequential": Sequential})
