"""What happened to a question, how long it took and what it cost, kept for later.

The doors are `trace.Trace` and `store.TraceStore`. Does not know why something was decided. Side data: its loss never
stops an answer.
"""
