"""The programs that `benchmarks.compare` runs on tricord and on its peers.

`catalogue` lists them; `worker` is the process that runs one framework; each other module builds
the cases of some programs for some frameworks: ``build(framework, parameters) -> Case``.
"""
