"""Attention, AdditiveAttention, MultiHeadAttention, GroupQueryAttention."""
