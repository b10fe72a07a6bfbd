// The header's link to documents and models opens the panel instead of another page.
document.addEventListener("click", (event) => {
  const link = event.target.closest && event.target.closest('a[href$="#house"]')
  if (!link) return
  event.preventDefault()
  window.postMessage({ tandem: "open" }, window.location.origin)
})

// The words that the page draws by itself, in the person's language: from tandem/ui/session.py, over the socket. They
// are kept for the elements under the answers, and put in place of those that Chainlit knows in English only.
const LINKS = { library: 'a[href$="#house"]', in_browser: 'a[href$="/browser"]' }
const ENGLISH = { toggle_theme: "Toggle theme", close: "Close", toggle_sidebar: "Toggle Sidebar" }
const said = new WeakMap()

const reword = () => {
  const words = window.tandemWords && window.tandemWords.page
  if (!words) return
  for (const [key, where] of Object.entries(LINKS)) {
    for (const link of document.querySelectorAll(where)) {
      const label = link.querySelector("span") || link
      const last = [...label.childNodes].reverse().find((node) => node.nodeType === Node.TEXT_NODE && node.data.trim())
      if (last && last.data !== words[key]) last.data = words[key]
      const picture = link.querySelector("img")
      if (picture) picture.alt = ""
      link.title = words[`${key}_title`]
    }
  }
  for (const label of document.querySelectorAll(".sr-only")) {
    const key = said.get(label) || Object.keys(ENGLISH).find((one) => ENGLISH[one] === label.textContent)
    if (!key) continue
    said.set(label, key)
    if (label.textContent !== words[key]) label.textContent = words[key]
  }
  for (const button of document.querySelectorAll("[data-sidebar=rail], [aria-label='Toggle Sidebar']")) {
    button.title = words.toggle_sidebar
    button.setAttribute("aria-label", words.toggle_sidebar)
  }
}

// Chainlit speaks to the window around it, which is this one unless the page is shown within another of this server.
window.parent.addEventListener("message", (event) => {
  if (event.source !== window || !event.data || event.data.tandem !== "words") return
  event.stopImmediatePropagation()
  window.tandemWords = event.data
  document.documentElement.lang = event.data.language
  window.dispatchEvent(new Event("tandem-words"))
  reword()
}, true)

let waiting = 0
new MutationObserver(() => {
  if (!waiting) waiting = requestAnimationFrame(() => { waiting = 0; reword() })
}).observe(document, { childList: true, subtree: true })
