"""What each terminal command does; tandem.cli names them and imports one only when it is run."""
