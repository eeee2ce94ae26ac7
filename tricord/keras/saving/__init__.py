"""Configurations of objects, and the files of models and weights."""
