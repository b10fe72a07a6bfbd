"""The pages before and beside the chat: signing in, opening a link, one's own account, and everybody's.

The door is `routes.entry`. Forms and links, no script. Knows pages; what they do is done in `tandem.people`.
"""
