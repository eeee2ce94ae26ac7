"""MNIST from its own files, with nothing but numpy; the scripts import it as a user would."""

import gzip
import os

import numpy as np

FOLDER = os.path.join(os.environ.get("TRICORD_DATA", os.path.join("..", "shared", "data")), "mnist")


def read(name, header):
    with gzip.open(os.path.join(FOLDER, name), "rb") as stream:
        return np.frombuffer(stream.read(), np.uint8, offset=header)


def load_mnist():
    """(60000, 784) and (10000, 784) images in 0..1, and their labels."""
    x_train = read("train-images-idx3-ubyte.gz", 16).reshape(-1, 784).astype("float32") / 255
    y_train = read("train-labels-idx1-ubyte.gz", 8).astype("int64")
    x_test = read("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 784).astype("float32") / 255
    y_test = read("t10k-labels-idx1-ubyte.gz", 8).astype("int64")
    return (x_train, y_train), (x_test, y_test)
