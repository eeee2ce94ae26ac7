"""Layers that add noise in training, and a penalty on activities."""
