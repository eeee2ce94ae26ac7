"""Machine code in memory: loading, calling, threads, the cache on disk."""
