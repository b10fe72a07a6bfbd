"""Who has an account, what is granted to them, the keys of their programs, and what they have used.

The doors are `accounts.People`, `keys.Keys` and `quotas.Quotas`. Nothing here is inferred: a role, a group and a scope
are in the tables because somebody put them there. Does not know requests or pages.
"""
