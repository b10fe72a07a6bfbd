"""The files behind the documents: where each lies now, and a page of a PDF as a picture with a sentence found on it.

The door is `finding.find` and `pictures.draw`. Does not know who may see them.
"""
