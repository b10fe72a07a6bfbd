// A long answer is drawn block by block, each once: of what is still being written only the last block changes. Knows
// where Markdown may be parted. Does not know how it is drawn: Chainlit's own component draws each block
// (tandem/ui/page_script.py hands it over).

import { typeset } from "./formulas.js"

const FENCE = /^ {0,3}(`{3,}|~{3,})/
const CITED = /^( {0,3}(?:`{3,}|~{3,})) *((?:\[\d{1,3}\][ .]*)+)$/
const DEFINITION = /^\[[^\]\n]+\]: \S.*$/gm
// What belongs to the block before it, even after an empty line: items of a list, what is indented, quotations.
const GOES_ON = /^(?:\s|>|[-*+](?:\s|$)|\d{1,9}[.)](?:\s|$))/

// The text in blocks, each with the definitions of links that it may need.
export const parted = (text) => {
  const found = text.match(DEFINITION) || []
  const definitions = found.length ? `\n\n${found.join("\n")}` : ""
  const blocks = []
  let lines = []
  let fence = ""
  let empty = false
  const closes = (line) => {
    const mark = FENCE.exec(line)
    return mark !== null && mark[1][0] === fence[0] && mark[1].length >= fence.length && line.trim() === mark[1]
  }
  for (const line of text.split("\n")) {
    if (!fence && empty && line.trim() && lines.length && !GOES_ON.test(line)) {
      blocks.push(lines.join("\n"))
      lines = []
    }
    empty = !line.trim()
    const mark = FENCE.exec(line)
    const cited = fence && CITED.exec(line)
    if (cited && closes(cited[1])) {
      // Markers behind the end of a fence would keep it open.
      fence = ""
      blocks.push([...lines, cited[1]].join("\n"))
      lines = [cited[2]]
      continue
    }
    if (mark && !fence) fence = mark[1]
    else if (fence && closes(line)) fence = ""
    lines.push(line)
  }
  blocks.push(lines.join("\n"))
  return blocks.map((block) => (definitions && block.includes("[") ? block + definitions : block))
}

// A very long paragraph goes in runs of whole sentences, where no emphasis, code or link is left open.
const RUN = 1200
const PLAIN = /^[^\s#>|`~+*\d-]/

const closed = (text) => {
  const count = (sign) => text.split(sign).length - 1
  return !["`", "*", "_", "~"].some((sign) => count(sign) % 2) && count("[") === count("]") && count("(") === count(")")
}

export const runs = (block) => {
  if (block.length < 2 * RUN || !PLAIN.test(block) || block.includes("\n")) return [block]
  const found = []
  let from = 0
  for (const { index } of block.matchAll(/[.!?](?=\s)/g)) {
    if (index + 1 - from < RUN || !closed(block.slice(from, index + 1))) continue
    found.push(block.slice(from, index + 1))
    from = index + 2
  }
  return from < block.length ? [...found, block.slice(from)] : found
}

let Block = null
const inline = new WeakMap()

window.tandemBlocks = (jsx, React, Markdown, { className, children, ...how }, katex) => {
  if (typeof children !== "string") return jsx.jsx(Markdown, { className, children, ...how })
  Block ||= React.memo((block) => jsx.jsx(Markdown, block))
  const { components } = how
  if (!inline.has(components)) inline.set(components, { ...components, p: ({ children: words }) => jsx.jsx("span", { children: words }) })
  const blocks = parted(children).map((text, place) => {
    const parts = runs(text)
    if (parts.length === 1) {
      return jsx.jsx(Block, { ...how, rehypePlugins: typeset(how.rehypePlugins, katex, text), children: text }, place)
    }
    const drawn = parts.flatMap((part, at) => [at ? " " : "", jsx.jsx(Block, { ...how, components: inline.get(components), rehypePlugins: typeset(how.rehypePlugins, katex, part), children: part }, at)])
    return jsx.jsx("div", { className: "leading-7 [&:not(:first-child)]:mt-4 whitespace-pre-wrap break-words", role: "article", children: drawn }, place)
  })
  return jsx.jsx("div", { className, children: blocks })
}
