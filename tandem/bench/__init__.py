"""How fast and how good models, searches and the chat are on this machine: reports, comparisons, a recommendation.

The doors are `run` for models, `retrieval`, `chat` and `pipeline`, each a command that prints JSON. Does not know how
answers are shown. Not to be touched lightly: `report_schema.json`, which earlier reports are compared by.
"""
