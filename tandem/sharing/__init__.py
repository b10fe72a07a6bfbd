"""What people show each other: an answer or a conversation by link, read-only, and what of it a reader may see.

The door is `routes.sharing`. Not to be touched lightly: `reading` decides what somebody is told of documents that they
may not read, and its answer is nothing. Does not know how shares are kept (`tandem.people.shares` does).
"""
