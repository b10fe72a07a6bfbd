"""A question and its passages into an answer, by a small model, a large one or none, on any runtime.

The door is `engine.Engine`, which gives the events of `events`. Does not know pages, programs that ask, nor settings'
files. Not to be touched lightly: the order of the events, which every client relies on.
"""
