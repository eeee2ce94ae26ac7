"""Wrapper, TimeDistributed and Bidirectional."""
