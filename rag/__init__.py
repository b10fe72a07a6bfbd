"""Files of many formats into passages, and passages into sources of answers: read, kept, found, cited by sentence.

The door is `library.Library`. Does not know models that write, the web, nor people beyond a `principal.Principal`. Not
to be touched lightly: whatever changes what a passage says or where it lies makes every index anew.
"""
