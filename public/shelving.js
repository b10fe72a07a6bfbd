// Conversations pinned and archived from their menu in the list, and the way to the page of all of them
// (tandem/conversations). Knows Chainlit's menu, which tandem/ui/page_script.py hands over, and the addresses of that
// page. Does not know how conversations are kept.

const HERE = "/conversations"
const NOTE_MS = 8000

const words = () => window.tandemWords && window.tandemWords.page

const send = async (thread, deed) => {
  try {
    const headers = { accept: "application/json", "content-type": "application/x-www-form-urlencoded" }
    const reply = await fetch(`${HERE}/${thread.id}/${deed}`, { method: "POST", headers, body: "" })
    return reply.status === 204
  } catch {
    return false
  }
}

// A sentence at the foot of the page for a while, perhaps with a way back.
const note = (text, undo) => {
  document.querySelector(".td-shelved")?.remove()
  const said = Object.assign(document.createElement("div"), { className: "td-shelved", textContent: text })
  said.setAttribute("role", "status")
  if (undo) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "td-button td-button-line", textContent: words().undo })
    button.addEventListener("click", () => { said.remove(); undo() })
    said.append(button)
  }
  document.body.append(said)
  setTimeout(() => said.remove(), NOTE_MS)
}

const listed = (change, threads) => change((before) => ({ ...before, threads: threads((before && before.threads) || []) }))

const pin = async (thread, change, pinned) => {
  if (!(await send(thread, pinned ? "pin" : "unpin"))) return note(words().not_done)
  listed(change, (threads) => threads.map((one) => (one.id === thread.id ? { ...one, metadata: { ...one.metadata, pinned } } : one)))
}

const archive = async (thread, change) => {
  if (!(await send(thread, "archive"))) return note(words().not_done)
  const unpinned = { ...thread, metadata: { ...thread.metadata, pinned: false } }
  listed(change, (threads) => threads.filter((one) => one.id !== thread.id))
  note(words().archived, async () => {
    if (!(await send(thread, "restore"))) return note(words().not_done)
    listed(change, (threads) => [unpinned, ...threads.filter((one) => one.id !== thread.id)])
  })
}

// As those of Chainlit's own items.
const ICONS = {
  "pin-thread": ["M12 17v5", "M9 10.8a2 2 0 0 1-1.1 1.8l-1.8.9A2 2 0 0 0 5 15.2V17h14v-1.8a2 2 0 0 0-1.1-1.8l-1.8-.9a2 2 0 0 1-1.1-1.7V4H9z", "M8 4h8"],
  "archive-thread": ["M3 4h18v4H3z", "M5 8v12h14V8", "M10 12h4"],
  "more-thread": ["M12.6 2.6A2 2 0 0 0 11.2 2H4a2 2 0 0 0-2 2v7.2a2 2 0 0 0 .6 1.4l8.7 8.7a2.4 2.4 0 0 0 3.4 0l6.6-6.6a2.4 2.4 0 0 0 0-3.4z", "M7.5 7.5h.01"]
}
const icon = (jsx, id) => jsx.jsx("svg", {
  className: "td-menu-icon", viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", strokeWidth: 2, strokeLinecap: "round", strokeLinejoin: "round", "aria-hidden": true,
  children: ICONS[id].map((path) => jsx.jsx("path", { d: path }, path))
}, "icon")

// The items between "Rename" and "Delete".
window.tandemShelf = (jsx, Item, thread, change) => {
  if (!thread || !words()) return []
  const pinned = !!(thread.metadata && thread.metadata.pinned)
  const item = (id, text, act) => jsx.jsxs(Item, { id, onClick: (event) => { event.stopPropagation(); act() }, children: [text, icon(jsx, id)] }, id)
  return [
    item("pin-thread", pinned ? words().unpin : words().pin, () => pin(thread, change, !pinned)),
    item("archive-thread", words().archive, () => archive(thread, change)),
    item("more-thread", words().tags_and_export, () => window.location.assign(`${HERE}/${thread.id}`))
  ]
}

// What the list is called where Chainlit groups it by days.
window.tandemPinned = () => (words() ? words().pinned : "Pinned")

// Under the list, the way to all of them; outside of what React draws.
export const lead = (said) => {
  for (const content of document.querySelectorAll("[data-sidebar=content]")) {
    let link = content.parentElement.querySelector(".td-all")
    if (!link) {
      link = Object.assign(document.createElement("a"), { className: "td-all", href: HERE })
      content.parentElement.append(link)
    }
    if (link.textContent !== said.all_conversations) link.textContent = said.all_conversations
  }
}
