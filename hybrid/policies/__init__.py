"""Policies: each one class with one method, `decide`. They are interchangeable; evaluation is written once. None knows
how a draft came about, nor who refines it."""
