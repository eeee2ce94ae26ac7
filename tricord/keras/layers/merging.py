"""Several tensors into one: sums, products, extremes, joins and dot products."""
