"""How good the answers are: questions with known answers, asked and counted."""
