"""A document in a tab of its own, opened where the sentence stands: its pages as pictures, or its text as it was read.

The door is `routes.viewer`; `citations.link` makes the address of a citation. Whatever a document holds is shown as
text or as a picture, never run.
"""
