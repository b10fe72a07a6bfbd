"""What an installation has kept, moved to another database, saved to a folder and put back.

The doors are `moving.move`, `backup.back_up` and `backup.restore`. Knows where everything lies and how it is compared.
Does not know what it means. Not to be touched lightly: what is moved or saved is read back and compared before anybody
is told that it is there, and nothing that lies at the other end is written over.
"""
