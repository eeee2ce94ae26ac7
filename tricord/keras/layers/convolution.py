"""Convolutions, transposed, depthwise and separable, in one to three space dimensions."""
