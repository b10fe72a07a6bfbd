"""The page at /browser: a small language model generates inside the browser, beside the server's models.

Knows the page's files, models and routes. Does not know the chat.
"""
