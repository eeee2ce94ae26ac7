"""Programs as users write them, run unmodified, against what the real frameworks printed."""
