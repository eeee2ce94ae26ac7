"""Scaling, normalising, binning and augmenting inputs."""
