"""``tf.version``."""

VERSION = "2.21.0"
GIT_VERSION = "tricord"
COMPILER_VERSION = "none"
