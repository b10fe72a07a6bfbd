"""Other places that documents come from: each is kept as a folder of files, which is read as any folder is.

Knows how a Git repository, a web site, a WebDAV folder, a mailbox and a wiki's export list and hand over what they
hold. The door is `rag.connectors.mirror.pull`, with a connector that `rag.connectors.registry.connect` makes. Does not
know when that is done (`tandem.sources` does), nor what becomes of the files.
"""
