// Whether a model goes round in circles: small ones do, for as long as they may. Knows tokens, not what they mean.

const LONGEST_ROUND = 64;
const ROUNDS = 3;
// A short piece said three times may be meant: "ha ha ha", the cells of an empty row.
const LEAST_TOKENS = 48;

/** Whether the tokens from `from` on end in one piece said again and again. */
export function goesRound(tokens, from) {
  const written = tokens.length - from;
  for (let round = 1; round <= LONGEST_ROUND; round++) {
    const said = Math.max(ROUNDS * round, LEAST_TOKENS);
    if (said > written) break;
    let at = tokens.length - 1;
    const until = tokens.length - said + round;
    while (at >= until && tokens[at] === tokens[at - round]) at--;
    if (at < until) return true;
  }
  return false;
}
