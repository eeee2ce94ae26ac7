"""The scripts are run by the tests, in processes of their own, and never collected as modules."""

collect_ignore_glob = ["scripts/*", "stand_ins/*"]
