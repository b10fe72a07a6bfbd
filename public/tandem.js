// The words that the page draws by itself, in the person's language, and where they go. Until the conversation begins
// they are those of the browser's language, which the page brings with it (tandem/ui/page.py); then those that come over
// the socket (tandem/ui/session.py). Kept for the elements under the answers.
import { announce } from "./announcing.js"
import "./blocks.js"
import "./copying.js"
import { hear, settle } from "./first_page.js"
import { listen, rescue } from "./keys.js"
import { open } from "./linking.js"
import { follow, name } from "./naming.js"
import "./peeking.js"
import { lead } from "./shelving.js"
import { below } from "./scrolling.js"
import { amiss } from "./settings.js"
import { begun, stay, unknown } from "./staying.js"
import { keep } from "./typed.js"

const LINKS = { library: 'a[href$="#library"]', in_browser: 'a[href$="/browser"]' }
const ENGLISH = { toggle_theme: "Toggle theme", close: "Close", toggle_sidebar: "Toggle Sidebar" }
// How long what is named waits for more to come; while an answer is written, every word changes the page.
const PAUSE_MS = 150
const WRITING_MS = 600
const said = new WeakMap()

const brought = () => {
  try {
    const all = JSON.parse(document.getElementById("tandem-words").textContent)
    const wanted = navigator.languages.flatMap((tag) => [tag, tag.split("-")[0]]).find((code) => all[code])
    return all[wanted] || all.en
  } catch {
    return null
  }
}
const first = brought()
const words = () => (window.tandemWords && window.tandemWords.page) || first

const reword = () => {
  const now = words()
  if (!now) return
  for (const [key, where] of Object.entries(LINKS)) {
    for (const link of document.querySelectorAll(where)) {
      const label = link.querySelector("span") || link
      const last = [...label.childNodes].reverse().find((node) => node.nodeType === Node.TEXT_NODE && node.data.trim())
      if (last && last.data !== now[key]) last.data = now[key]
      const picture = link.querySelector("img")
      if (picture) picture.alt = ""
      if (link.title !== now[`${key}_title`]) link.title = now[`${key}_title`]
      if (link.getAttribute("aria-label") !== now[key]) link.setAttribute("aria-label", now[key])
    }
  }
  for (const label of document.querySelectorAll(".sr-only")) {
    const key = said.get(label) || Object.keys(ENGLISH).find((one) => ENGLISH[one] === label.textContent)
    if (!key) continue
    said.set(label, key)
    if (label.textContent !== now[key]) label.textContent = now[key]
  }
  for (const button of document.querySelectorAll("[data-sidebar=rail]")) {
    button.title = now.toggle_sidebar
    button.setAttribute("aria-label", now.toggle_sidebar)
  }
  name(now)
  lead(now)
}

// The header's link to documents and models opens the panel instead of another page. Before the conversation has begun
// there is nobody who hears it.
document.addEventListener("click", (event) => {
  const link = event.target.closest && event.target.closest('a[href$="#library"]')
  if (!link) return
  event.preventDefault()
  open({})
})

// Chainlit speaks to the window around it, which is this one unless the page is shown within another of this server.
window.parent.addEventListener("message", (event) => {
  if (event.source === window && event.data && event.data.tandem === "answering") {
    event.stopImmediatePropagation()
    window.dispatchEvent(new Event("tandem-answering"))
    return
  }
  if (event.source !== window || !event.data) return
  if (event.data.tandem !== "words") {
    if (event.data.tandem === "settings_wrong") amiss(event.data)
    else if (!hear(event.data)) return
    event.stopImmediatePropagation()
    return
  }
  event.stopImmediatePropagation()
  window.tandemWords = event.data
  document.documentElement.lang = event.data.language
  document.documentElement.toggleAttribute("data-nobody-signs-in", !event.data.signed_in)
  window.dispatchEvent(new Event("tandem-words"))
  begun(event.data.thread)
  announce(event.data.announcements || [], event.data.page)
  reword()
}, true)
listen(words)

// Chainlit's own sign-in page does not know every way in: the server's does.
const toSignIn = () => {
  if (location.pathname === "/login") location.replace("/login")
}

// While an answer is written the page changes all the time: now and then is often enough.
let waiting = 0
new MutationObserver(() => {
  toSignIn()
  keep()
  stay()
  settle()
  follow(words())
  unknown(words())
  if (!waiting) waiting = setTimeout(() => { waiting = 0; reword(); rescue(); below() }, document.getElementById("stop-button") ? WRITING_MS : PAUSE_MS)
}).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["disabled"] })
reword()
