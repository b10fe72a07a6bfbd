"""Reads text from pictures: scanned pages, photographs of documents."""
