"""Learns the numbers of retrieval from questions with known answers: `python -m rag.training.learn FILE`.

Knows the weights file and how it is made. Nothing that serves a question imports it.
"""
