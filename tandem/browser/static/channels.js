// Parts what a model thinks from what it answers, while the text streams in. Knows the marks models use.

const OPENS = [
  { mark: "<think>", to: "thought" },
  { mark: "</think>", to: "answer" },
  { mark: "<|channel|>analysis<|message|>", to: "thought" },
  { mark: "<|channel|>commentary<|message|>", to: "thought" },
  { mark: "<|channel|>final<|message|>", to: "answer" },
  // What stands between two harmony messages is neither.
  { mark: "<|end|>", to: "nothing" },
  { mark: "<|return|>", to: "nothing" },
];
const LONGEST = Math.max(...OPENS.map(({ mark }) => mark.length));

/** Feed it pieces of text; `emit(kind, text)` hears "answer" or "thought", and never a mark or a part of one. */
export class Channels {
  constructor(emit) {
    this.emit = emit;
    this.kind = "answer";
    this.held = "";
    this.begun = false;
  }

  feed(piece) {
    this.held += piece;
    for (;;) {
      const found = OPENS.map((open) => ({ ...open, at: this.held.indexOf(open.mark) }))
        .filter(({ at }) => at >= 0)
        .sort((a, b) => a.at - b.at)[0];
      if (!found) break;
      this.#say(this.held.slice(0, found.at));
      this.held = this.held.slice(found.at + found.mark.length);
      this.kind = found.to;
    }
    const keep = this.#beginning();
    this.#say(this.held.slice(0, this.held.length - keep));
    this.held = this.held.slice(this.held.length - keep);
  }

  end() {
    this.#say(this.held);
    this.held = "";
  }

  /** How many characters at the end may be the beginning of a mark. */
  #beginning() {
    for (let length = Math.min(this.held.length, LONGEST - 1); length > 0; length--) {
      const end = this.held.slice(-length);
      if (OPENS.some(({ mark }) => mark.startsWith(end))) return length;
    }
    return 0;
  }

  #say(text) {
    if (this.kind === "nothing") return;
    // A template often leaves line breaks before the first word of the answer.
    const said = this.kind === "answer" && !this.begun ? text.trimStart() : text;
    if (!said) return;
    if (this.kind === "answer") this.begun = true;
    this.emit(this.kind, said);
  }
}
