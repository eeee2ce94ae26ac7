"""Programs that measure; each prints its figure, the spread and what it was measured on."""
