"""Who is at the door: people, their passwords, and how often they may guess.

The door is `accounts.install`. Authority is granted here, never inferred. Does not know what people ask.
"""
