"""What turns texts into vectors: one protocol, and the encoder that runs from a file on this machine.

The door is `base.Embedder`. Does not know passages, files of documents or ranking.
"""
