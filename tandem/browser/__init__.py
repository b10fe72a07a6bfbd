"""The page at /browser: a small language model generates inside the browser, beside the server's models."""
