"""Arguments of the commands, and what happens when one of them fails."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import TricordError

__all__ = ["main"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tricord", description="One deep-learning framework with three faces.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    script = commands.add_parser(
        "run", help="run a PyTorch, Keras or TensorFlow script, unmodified, on tricord")
    script.add_argument("file", type=Path, help="the script")
    script.add_argument("arguments", nargs=argparse.REMAINDER, help="arguments of the script")

    show = commands.add_parser(
        "demo", help="train one network through all three faces on handwritten digits")
    fit = commands.add_parser("train", help="the same on MNIST's own files")
    fit.add_argument("--data", type=Path, required=True,
                     help="the folder with train-images-idx3-ubyte.gz and the others")
    for command, epochs in ((show, 12), (fit, 10)):
        command.add_argument("--out", type=Path, default=Path("tricord-demo"),
                             help="where pictures and models go (default: ./tricord-demo)")
        command.add_argument("--epochs", type=int, default=epochs,
                             help=f"passes over the data (default: {epochs})")
        command.add_argument("--seed", type=int, default=0, help="seed of the initial weights")

    commands.add_parser("info", help="versions, processor and settings, for a bug report")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the process's exit code."""
    options = _parser().parse_args(arguments)
    # One module per command, loaded when it is wanted: `run` must not load all three faces.
    command = importlib.import_module(f".{options.command}", __package__)
    if options.command == "run":
        return int(command.run_script(options.file, options.arguments))
    try:
        if options.command == "info":
            print(command.report())
        elif options.command == "demo":
            command.run(options.out, epochs=options.epochs, seed=options.seed)
        else:
            command.run(options.data, options.out, epochs=options.epochs, seed=options.seed)
    except TricordError as error:
        print(f"tricord {options.command}: {error}", file=sys.stderr)
        return 1
    return 0
