// Formulas, which tandem/markdown_math.py hands over as code that begins with a sign of its own, are typeset by the
// KaTeX that Chainlit brings, as MathML: the browser draws that with fonts of its own, and nothing is fetched. Knows the
// tree that Markdown becomes. Does not know Markdown.

const SIGN = "\u2061"
const HOW = { output: "mathml", trust: false, strict: "ignore", maxSize: 20, maxExpand: 200 }

const marked = () => (tree) => {
  const walk = (node) => {
    for (const child of node.children || []) {
      const text = child.tagName === "code" && node.tagName !== "pre" && child.children.length === 1 ? child.children[0].value || "" : ""
      if (text.startsWith(SIGN)) {
        const display = text.startsWith(SIGN + SIGN)
        child.properties = { className: ["language-math", display ? "math-display" : "math-inline"] }
        child.children = [{ type: "text", value: text.replaceAll(SIGN, "") }]
      } else walk(child)
    }
  }
  walk(tree)
}

const made = new WeakMap()

// The plug-ins of a text, with formulas where there are any in it.
export const typeset = (plugins, katex, text) => {
  if (!katex || !text.includes(SIGN)) return plugins
  const kept = plugins || []
  if (!made.has(kept)) made.set(kept, [...kept, marked, [katex, HOW]])
  return made.get(kept)
}
