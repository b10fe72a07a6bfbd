"""Words of every language: how a text becomes terms, sentences and readings of words.

The door is `analyser.terms`. Knows languages and their lists; does not know documents, the index or questions. Not to
be touched lightly: the analyser, since what is stored was analysed by it (its VERSION says by which).
"""
