// A link to what somebody looks at in the library's panel: which folder, words, state and order. Knows the form of the
// link, `/?library&folder=hr&state=failed`, and opens what it names once the conversation has begun. What it shows is for
// the server to say: a link gives nobody a right.

const KEYS = ["folder", "text", "state", "order"]

// The address of what is looked at; of what is not chosen nothing stands there.
window.tandemLink = (wish) => {
  const given = new URLSearchParams(KEYS.filter((key) => wish[key] || (key === "folder" && wish[key] === "")).map((key) => [key, wish[key]]))
  return `${window.location.origin}/?library${given.size ? `&${given}` : ""}`
}

const ask = (wish) => window.postMessage({ tandem: "open", ...wish }, window.location.origin)

export const open = (wish) => {
  if (window.tandemWords) ask(wish)
  else window.addEventListener("tandem-words", () => ask(wish), { once: true })
}

const given = new URLSearchParams(window.location.search)
if (window.location.pathname === "/" && given.has("library")) {
  window.history.replaceState(window.history.state, "", "/")
  open(Object.fromEntries(KEYS.filter((key) => given.has(key)).map((key) => [key, given.get(key)])))
}
