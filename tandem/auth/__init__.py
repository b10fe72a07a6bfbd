"""Who is at the door: people, their passwords, how often they may guess, and what they may read.

The doors are `accounts.install` and `rights.Rights`; README.md here is the table of who may do what. Authority is
granted here, never inferred. Does not know what people ask.
"""
