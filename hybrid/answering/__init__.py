"""How an answer comes about: search, draft, decide, refine, check.

The door is `pipeline.answer`, one generator of typed events. Does not know who shows them. Not to be touched lightly:
the order of the events.
"""
