"""How good the answers are: questions with known answers, asked and counted. Knows measures; does not know
how an answer comes about."""
