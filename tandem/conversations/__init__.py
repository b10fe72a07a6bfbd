"""A person's own conversations: a page to find, pin, tag, archive and delete them on, and to take them along as a file.

The door is `routes.conversations`. Knows the history by its protocol. Does not know how answers come about. Not to be
touched lightly: everything is asked for by the one whose it is; what is somebody else's is answered as if it were not
there.
"""
