"""The file formats Tandem reads, one module a family; each turns bytes into `Extracted`."""
