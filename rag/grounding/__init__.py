"""What an answer rests on: citations, overlap with its sources, and answers made of the passages own sentences.

The doors are `citations.check` and `extractive`. Does not know who wrote a text. Not to be touched lightly: the
thresholds of support, which are measured by `tandem evaluate citations` and `tandem evaluate grounding`.
"""
