"""Maxima and means over windows, or over all of space."""
