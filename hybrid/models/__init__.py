"""Which models there are, what is known of them, and their life on this machine.

The doors are `registry.Models` and `catalogue.Catalog`. Does not know how a runtime generates.
"""
