"""Normalisation over batches, features and groups."""
