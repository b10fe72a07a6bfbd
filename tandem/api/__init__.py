"""The OpenAI-compatible API at /v1: other programs use Tandem, and every model it can reach, as they use any server.

Knows that protocol. Does not know the chat in the browser, nor how an answer comes about.
"""
