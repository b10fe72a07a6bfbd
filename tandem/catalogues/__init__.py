"""What the chat says, a module for each language. Knows words only: `tandem.texts` fills them in."""
