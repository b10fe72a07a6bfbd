"""What the chat says, a module for each language. Knows words only: `tandem.ui.texts` fills them in."""
