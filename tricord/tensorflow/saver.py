"""Checkpoints: `tf.compat.v1.train.Saver`, `tf.train.Checkpoint` and what belongs to them.

Files are TensorFlow's (tensor bundles): TensorFlow reads what is written here, and the other way
round. Nothing in them is run.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError, StateError, nearest
from ..serialize.atomic import atomic_write
from ..serialize.tensor_bundle import list_bundle, load_bundle, save_bundle
from ..tensor import Parameter
from ..tensor.recorder import value_of, wrap
from ..tensor.trees import flatten
from ._names import explain_keywords
from ._op import modes
from .errors import NotFoundError
from .graph import GraphKeys, default_graph
from .module import Module
from .object_graph import object_graph
from .tensors import EagerTensor, where_now
from .variables import GraphVariable, Variable

__all__ = ["Checkpoint", "CheckpointManager", "Saver", "checkpoint_exists",
           "get_checkpoint_state", "latest_checkpoint", "list_variables", "load_checkpoint",
           "load_variable"]

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


def checkpoint_exists(checkpoint_prefix: str) -> bool:
    """Whether there is a checkpoint with this prefix."""
    return os.path.exists(f"{checkpoint_prefix}.index")


def _loaded(prefix: str) -> dict[str, Any]:
    if not checkpoint_exists(prefix):
        folder = os.path.dirname(prefix) or "."
        there = [os.path.join(folder, n.removesuffix(".index")) for n in (
            os.listdir(folder) if os.path.isdir(folder) else []) if n.endswith(".index")]
        raise NotFoundError(f"Unsuccessful TensorSliceReader constructor: Failed to find any "
                            f"matching files for {prefix}", where=where_now(),
                            hint=nearest(prefix, there))
    return load_bundle(prefix)


# ---- the file named `checkpoint`

class CheckpointState:
    """What the file ``checkpoint`` of a folder says."""

    def __init__(self, model_checkpoint_path: str, all_model_checkpoint_paths: list[str]):
        self.model_checkpoint_path = model_checkpoint_path
        self.all_model_checkpoint_paths = all_model_checkpoint_paths


def _write_state(folder: str, latest: str, everything: list[str]) -> None:
    def shown(path: str) -> str:
        relative = os.path.relpath(path, folder or ".")
        return relative.replace("\\", "\\\\").replace('"', '\\"')

    lines = [f'model_checkpoint_path: "{shown(latest)}"',
             *(f'all_model_checkpoint_paths: "{shown(p)}"' for p in everything)]
    atomic_write(os.path.join(folder, "checkpoint"), ("\n".join(lines) + "\n").encode())


def get_checkpoint_state(checkpoint_dir: str, latest_filename: str | None = None
                         ) -> CheckpointState | None:
    """The newest checkpoint of a folder, and those before it."""
    path = os.path.join(checkpoint_dir, latest_filename or "checkpoint")
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        text = file.read(1 << 20)
    found = re.findall(r'^(\w+): "((?:[^"\\]|\\.)*)"$', text, re.MULTILINE)

    def place(name: str) -> str:
        plain = name.replace('\\"', '"').replace("\\\\", "\\")
        return plain if os.path.isabs(plain) else os.path.join(checkpoint_dir, plain)

    latest = [place(v) for k, v in found if k == "model_checkpoint_path"]
    if not latest:
        return None
    return CheckpointState(latest[0], [place(v) for k, v in found
                                       if k == "all_model_checkpoint_paths"])


def latest_checkpoint(checkpoint_dir: str, latest_filename: str | None = None) -> str | None:
    """The prefix of the newest checkpoint of a folder, or None."""
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is None or not checkpoint_exists(state.model_checkpoint_path):
        return None
    return state.model_checkpoint_path


def _remove(prefix: str) -> None:
    for path in [f"{prefix}.index", *glob.glob(f"{glob.escape(prefix)}.data-*-of-*")]:
        if os.path.exists(path):
            os.remove(path)


# ---- graphs

class Saver:
    """Writes and reads the variables of a session under their names."""

    def __init__(self, var_list: Any = None, reshape: bool = False, sharded: bool = False,
                 max_to_keep: int | None = 5, keep_checkpoint_every_n_hours: float = 10000.0,
                 name: str | None = None, restore_sequentially: bool = False,
                 saver_def: Any = None, builder: Any = None, defer_build: bool = False,
                 allow_empty: bool = False, write_version: Any = 2,
                 pad_step_number: bool = False, save_relative_paths: bool = False,
                 filename: str | None = None):
        if var_list is None:
            graph = default_graph()
            var_list = [*graph.get_collection(GraphKeys.GLOBAL_VARIABLES)]
            if not var_list and not allow_empty:
                raise ArgumentError("No variables to save", where=where_now())
        self._variables = dict(var_list) if isinstance(var_list, dict) else {
            v.name.removesuffix(":0"): v for v in var_list}
        self._reshape = reshape
        self._keep = max_to_keep
        self.last_checkpoints: list[str] = []

    def save(self, sess: Any, save_path: str, global_step: Any = None,
             latest_filename: str | None = None, meta_graph_suffix: str = "meta",
             write_meta_graph: bool = True, write_state: bool = True,
             strip_default_attrs: bool = False, save_debug_info: bool = False) -> str:
        """Write the variables' values; returns the prefix of the files.

        The graph itself is not written: it is Python's to build.
        """
        if global_step is not None:
            step = global_step if isinstance(global_step, (int, np.integer)) else sess.run(
                global_step)
            save_path = f"{save_path}-{int(step)}"
        folder = os.path.dirname(save_path)
        if folder and not os.path.isdir(folder):
            raise ArgumentError(f"Parent directory of {save_path} doesn't exist, can't save.",
                                where=where_now(), hint=f"os.makedirs({folder!r})")
        save_bundle(save_path, {name: value_of(sess.read(v))
                                for name, v in self._variables.items()})
        self.last_checkpoints = [*(p for p in self.last_checkpoints if p != save_path), save_path]
        if self._keep:
            for old in self.last_checkpoints[:-self._keep]:
                _remove(old)
            self.last_checkpoints = self.last_checkpoints[-self._keep:]
        if write_state:
            _write_state(folder, save_path, self.last_checkpoints)
        return save_path

    def restore(self, sess: Any, save_path: str | None) -> None:
        """Give the variables the values of a checkpoint.

        Raises:  NotFoundError if there is no such file, or a variable is not in it; ShapeError
        """
        if save_path is None:
            raise ArgumentError("Can't load save_path when it is None.", where=where_now())
        values = _loaded(save_path)
        found = {}
        for name, variable in self._variables.items():
            if name not in values:
                raise NotFoundError(f"Key {name} not found in checkpoint", where=where_now(),
                                    hint=nearest(name, values))
            found[variable] = _fitting(name, values[name], variable, self._reshape)
        sess.variables.update(found)

    def recover_last_checkpoints(self, checkpoint_paths: list[str]) -> None:
        self.last_checkpoints = [p for p in checkpoint_paths if checkpoint_exists(p)]


def _fitting(name: str, value: Any, variable: Any, reshape: bool = False) -> Any:
    shape = tuple(int(d) for d in variable.shape)
    array = np.asarray(value)
    if array.shape != shape:
        if not reshape or array.size != int(np.prod(shape)):
            raise ShapeError(f"Assign requires shapes of both tensors to match. lhs shape= "
                             f"{list(shape)} rhs shape= {list(array.shape)}: variable {name}",
                             where=where_now())
        array = array.reshape(shape)
    return wrap(array.astype(variable.dtype.numpy, copy=False), EagerTensor)


def list_variables(ckpt_dir_or_file: str) -> list[tuple[str, list[int]]]:
    """Names and shapes of what a checkpoint holds."""
    return [(name, list(shape)) for name, (_, shape) in sorted(
        list_bundle(_prefix(ckpt_dir_or_file)).items())]


def load_variable(ckpt_dir_or_file: str, name: str) -> Any:
    """One value of a checkpoint."""
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))


def _prefix(place: str) -> str:
    if os.path.isdir(place):
        latest = latest_checkpoint(place)
        if latest is None:
            raise ArgumentError(f"Couldn't find 'checkpoint' file or checkpoints in given "
                                f"directory {place}", where=where_now())
        return latest
    return place


class CheckpointReader:
    """The values of one checkpoint."""

    def __init__(self, values: dict[str, Any]):
        self._values = values

    def get_tensor(self, name: str) -> Any:
        if name not in self._values:
            raise NotFoundError(f"Key {name} not found in checkpoint", where=where_now(),
                                hint=nearest(name, self._values))
        return np.array(self._values[name])

    def has_tensor(self, name: str) -> bool:
        return name in self._values

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        return {name: list(np.shape(v)) for name, v in self._values.items()}


def load_checkpoint(ckpt_dir_or_file: str) -> CheckpointReader:
    """A reader of a checkpoint, given its prefix or its folder."""
    return CheckpointReader(_loaded(_prefix(ckpt_dir_or_file)))


# ---- objects

class _Status:
    """What became of a restoration."""

    def __init__(self, missing: list[str], unused: list[str]):
        self._missing, self._unused = missing, unused

    def assert_consumed(self) -> _Status:
        """Fail unless every saved value has found its variable, and the other way round."""
        self.assert_existing_objects_matched()
        if self._unused:
            raise StateError(f"Unresolved object in checkpoint: {self._unused[0]}",
                             hint="status.expect_partial()")
        return self

    def assert_existing_objects_matched(self) -> _Status:
        """Fail if a variable has no value in the checkpoint."""
        if self._missing:
            raise StateError(f"No checkpointed value for {self._missing[0]}")
        return self

    def expect_partial(self) -> _Status:
        return self

    def initialize_or_restore(self, session: Any = None) -> None:
        """Nothing is left to do."""

    run_restore_ops = initialize_or_restore


class Checkpoint:
    """Objects with variables, saved under the names of the attributes that lead to them.

    >>> import tempfile
    >>> a, b = Variable(1.0), Variable(5.0)
    >>> path = Checkpoint(v=a).write(tempfile.mkdtemp() + "/ckpt")
    >>> _ = Checkpoint(v=b).restore(path).assert_consumed()
    >>> float(b)
    1.0
    """

    def __init__(self, root: Any = None, **kwargs: Any):
        self._root = root
        self._objects = dict(kwargs)
        self.save_counter: Any = None
        for name, value in kwargs.items():
            if not (_is_variable(value) or hasattr(value, "__dict__")
                    or isinstance(value, (list, tuple, dict))):
                raise ArgumentError(f"`Checkpoint` was expecting {name} to be a trackable object "
                                    f"(an object derived from `Trackable`), got {value!r}.")
            setattr(self, name, value)

    def _tree(self) -> dict[str, Any]:
        own = {**(dict(_children(self._root)) if self._root is not None else {}), **self._objects}
        return own

    def _counter(self) -> Any:
        if self.save_counter is None:
            self.save_counter = Variable(np.asarray(0, np.int64), trainable=False,
                                         name="save_counter")
        return self.save_counter

    def write(self, file_prefix: str, options: Any = None) -> str:
        """Write without counting; returns the prefix."""
        values, graph = object_graph(self._tree(), _children, _is_variable, _full_name)
        os.makedirs(os.path.dirname(os.path.abspath(file_prefix)), exist_ok=True)
        save_bundle(file_prefix, {**{k: _value(v) for k, v in values.items()}, _GRAPH: graph})
        return str(file_prefix)

    def save(self, file_prefix: str, options: Any = None) -> str:
        """Write as ``prefix-<count>`` and note it as the newest of its folder."""
        counter = self._counter()
        counter.assign_add(1)
        path = f"{file_prefix}-{int(counter)}"
        tree = {**self._tree(), "save_counter": counter}
        values, graph = object_graph(tree, _children, _is_variable, _full_name)
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        save_bundle(path, {**{k: _value(v) for k, v in values.items()}, _GRAPH: graph})
        _write_state(os.path.dirname(path), path, [path])
        return path

    def read(self, save_path: str, options: Any = None) -> _Status:
        """Give variables the values of a checkpoint."""
        saved = _loaded(save_path)
        tree = {**self._tree(), **({"save_counter": self._counter()}
                                   if f"save_counter{_VALUE}" in saved else {})}
        values, _ = object_graph(tree, _children, _is_variable, _full_name)
        missing = []
        for key, variable in values.items():
            if key in saved:
                _store(variable, _fitting(key, saved[key], variable))
            else:
                missing.append(key)
        unused = [k for k in saved if k.endswith(_VALUE) and k not in values]
        return _Status(missing, unused)

    def restore(self, save_path: str | None, options: Any = None) -> _Status:
        """The same as `read`; None restores nothing."""
        return _Status([], []) if save_path is None else self.read(save_path)


def _value(variable: Any) -> Any:
    if isinstance(variable, GraphVariable):
        return value_of(modes.sessions[-1].read(variable))
    return value_of(variable)


def _store(variable: Any, value: Any) -> None:
    if isinstance(variable, GraphVariable):
        modes.sessions[-1].variables[variable] = value
    else:
        variable.assign(value)


def _is_variable(value: Any) -> bool:
    return isinstance(value, (Parameter, GraphVariable))


def _full_name(variable: Any) -> str:
    return str(getattr(variable, "name", "variable")).removesuffix(":0")


def _children(owner: Any) -> Iterator[tuple[str, Any]]:
    """What an object leads to, by name."""
    if isinstance(owner, dict):
        yield from ((str(k), v) for k, v in owner.items())
    elif isinstance(owner, (list, tuple)):
        yield from ((str(i), v) for i, v in enumerate(owner))
    elif isinstance(owner, Module):
        for name, value in vars(owner).items():
            if any(True for _ in _trackable(name, value)):
                yield name, value
    elif hasattr(owner, "layers") and hasattr(owner, "weights"):
        weighted = [layer for layer in owner.layers if layer.weights]
        yield from ((f"layer_with_weights-{i}", layer) for i, layer in enumerate(weighted))
    elif hasattr(owner, "weights"):
        yield from ((getattr(w, "name", str(i)), w) for i, w in enumerate(owner.weights))
    elif hasattr(owner, "variables"):
        found = owner.variables() if callable(owner.variables) else owner.variables
        yield from (("_variables/" + str(i), v) for i, v in enumerate(found))


def _trackable(name: str, value: Any) -> Iterator[Any]:
    leaves, _ = flatten(value)
    yield from (leaf for leaf in leaves if _is_variable(leaf) or isinstance(leaf, Module)
                or hasattr(leaf, "weights"))


class CheckpointManager:
    """Keeps the newest checkpoints of a folder."""

    def __init__(self, checkpoint: Checkpoint, directory: str, max_to_keep: int | None,
                 keep_checkpoint_every_n_hours: float | None = None,
                 checkpoint_name: str = "ckpt", step_counter: Any = None,
                 checkpoint_interval: int | None = None, init_fn: Any = None):
        self.checkpoint = checkpoint
        self.directory = str(directory)
        self._keep, self._name, self._init = max_to_keep, checkpoint_name, init_fn
        state = get_checkpoint_state(self.directory)
        self._paths = [p for p in state.all_model_checkpoint_paths if checkpoint_exists(p)
                       ] if state else []

    @property
    def checkpoints(self) -> list[str]:
        """Prefixes, the oldest first."""
        return list(self._paths)

    @property
    def latest_checkpoint(self) -> str | None:
        return self._paths[-1] if self._paths else None

    def save(self, checkpoint_number: Any = None, check_interval: bool = True,
             options: Any = None) -> str:
        """Save, and remove what is beyond the number to keep."""
        prefix = os.path.join(self.directory, self._name)
        if checkpoint_number is not None:
            path = self.checkpoint.write(f"{prefix}-{int(checkpoint_number)}")
        else:
            path = self.checkpoint.save(prefix)
        self._paths = [*(p for p in self._paths if p != path), path]
        if self._keep:
            for old in self._paths[:-self._keep]:
                _remove(old)
            self._paths = self._paths[-self._keep:]
        _write_state(self.directory, path, self._paths)
        return path

    def restore_or_initialize(self) -> str | None:
        """Restore the newest, or call ``init_fn`` if there is none."""
        latest = self.latest_checkpoint
        if latest is not None:
            self.checkpoint.restore(latest)
        elif self._init is not None:
            self._init()
        return latest


explain_keywords(globals())
