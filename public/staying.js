// A reload comes back to the conversation, from the moment that its first question is on the screen. Chainlit puts the
// conversation into the address only once its list of conversations has been read, and on a phone not at all. Knows the
// id that the conversation will have (tandem/ui/session.py) and Chainlit's addresses.

const QUESTION = '[data-step-type="user_message"]'
let thread = ""
let asked = false
let moved = "" // the conversation in the address that Chainlit's router does not know yet
let known = false // whether the server has begun it

const home = () => /^\/?$/.test(window.location.pathname)

export const begun = (id) => {
  thread = id || ""
  asked = false
  stay()
}

export const stay = () => {
  const shown = document.querySelector(QUESTION) !== null
  if (shown && !asked && thread && home()) {
    window.history.replaceState(window.history.state, "", `/thread/${thread}`)
    moved = thread
    thread = ""
  }
  asked = shown
  if (known && listed()) tell()
}

// Once the server has begun the conversation, Chainlit's router is told too: it would open one that it does not know.
// Where the list of conversations is shown, not before it stands there: who is told earlier may never read it again.
const LISTED_MS = 3000

const listed = () => {
  const list = document.getElementById("thread-history")
  return list === null || list.querySelector(`a[href$="/thread/${moved}"]`) !== null
}

const tell = () => {
  if (!moved) return
  moved = ""
  known = false
  window.dispatchEvent(new PopStateEvent("popstate", { state: window.history.state }))
}

window.addEventListener("tandem-answering", () => {
  if (!moved) return
  known = true
  if (listed()) tell()
  else setTimeout(tell, LISTED_MS)
})

// A conversation that is not there: Chainlit says so for a moment, in English, and goes to the first page.
let wanted = /^\/thread\//.test(window.location.pathname)

export const unknown = (words) => {
  const note = document.querySelector(".td-unknown")
  // It may come before the sentence and after it.
  if (note || wanted) for (const toast of document.querySelectorAll("[data-sonner-toast]")) toast.hidden ||= /thread not found/i.test(toast.textContent)
  if (document.querySelector(QUESTION)) {
    wanted = false
    if (note) note.remove()
  } else if (wanted && words && home() && document.getElementById("chat-input")) {
    wanted = false
    const said = Object.assign(document.createElement("div"), { className: "td-unknown", textContent: words.unknown })
    said.setAttribute("role", "alert")
    said.append(" ", Object.assign(document.createElement("a"), { href: "/conversations", textContent: words.all_conversations }))
    ;(document.querySelector("main") || document.body).append(said)
  }
}
