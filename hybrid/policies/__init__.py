"""Policies: each one class with one method, `decide`. They are interchangeable; evaluation is written once."""
