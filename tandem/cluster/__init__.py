"""Several processes that serve one installation: who is there, who leads, and what they tell one another.

The door is `member.Member`, which every process is where tables lie on a PostgreSQL server; `running` holds the answers
that are being written, for whoever comes back at another process; `parent` starts several processes on one machine.
Does not know what is answered. Not to be touched lightly: nobody is taken for dead while the server has just been
away.
"""
