"""Conversations on disk, for Chainlit to show again.

The door is `data_layer.History`. Does not know how answers come about. Not to be touched lightly: what was acknowledged
is written.
"""
