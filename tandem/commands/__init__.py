"""What each terminal command does; tandem.cli names them and imports one only when it is run. They know
settings and how results are printed, not how answers come about."""
