"""What happened to a question, how long it took and what it cost, kept for later.

The doors are `trace.Trace`, `store.TraceStore`, what any store of them does, and `sql_store.SqlTraceStore`, the one
there is. Does not know why something was decided. Side data: its loss never stops an answer.
"""
