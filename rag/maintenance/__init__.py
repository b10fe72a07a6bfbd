"""Keeps a library sound and in step: finds damage and repairs it, watches folders while they change.

The doors are `integrity.verify` and `watcher.Watcher`. Does not know questions. Nothing sound may be discarded here.
"""
