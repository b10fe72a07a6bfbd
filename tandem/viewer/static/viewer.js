// The keys of the viewer, the chat's theme, and the scroll to the sentence. Reads nothing of the document.
const theme = (() => {
  try { return window.localStorage.getItem("vite-ui-theme") } catch { return null }
})()
if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme

const follow = (selector) => {
  const link = document.querySelector(selector)
  if (link) link.click()
}

// Left and right turn pages (or parts of a text), with Shift they go from citation to citation.
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return
  const way = { ArrowLeft: "before", ArrowRight: "after" }[event.key]
  if (!way) return
  const kinds = event.shiftKey ? ["citation"] : ["page", "part"]
  event.preventDefault()
  follow(kinds.map((kind) => `[data-step=${kind}] [data-way=${way}]`).join(","))
})

const sentence = document.getElementById("sentence")
if (sentence) sentence.scrollIntoView({ block: "center" })
