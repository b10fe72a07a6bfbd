"""Who did what, when: sign-ins, rights, models, documents, exports and keys, in a log that only grows.

The doors are `log.AuditLog.record`, held by the application's context as `audit`, and `chain.broken`, which finds what
was changed afterwards. Does not know what is allowed. Not to be touched lightly: an entry's hash covers the one before
it, so the form in which entries are hashed never changes; nothing that is recorded holds up or stops what it tells of.
"""
