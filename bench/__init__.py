"""Measurements that `make bench` runs. A benchmark is read by people; no test depends on its times."""
