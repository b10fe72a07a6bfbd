"""Where models run: asked in one way, with limits, queues and reasons, whoever serves them.

The door is the protocol `base.Runtime`; `adapters` lists who makes one. Does not know questions or passages. Not to be
touched lightly: whatever ends a call early must end it at the server too (`tests/contracts/test_runtimes.py`).
"""
