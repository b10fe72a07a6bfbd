// A link to what somebody looks at in the library's panel: which folder, words, state and order. Knows the form of the
// link, `/#library?folder=hr&state=failed`, and opens what it names once the conversation has begun, also after a
// sign-in. What it shows is for the server to say: a link gives nobody a right.

const MARK = "#library"
const KEPT = "tandem-library"
const KEYS = ["folder", "text", "state", "order"]

// The address of what is looked at; of what is not chosen nothing stands there.
window.tandemLink = (wish) => {
  const given = new URLSearchParams(KEYS.filter((key) => wish[key] || (key === "folder" && wish[key] === "")).map((key) => [key, wish[key]]))
  return `${window.location.origin}/${MARK}${given.size ? `?${given}` : ""}`
}

const ask = (wish) => window.postMessage({ tandem: "open", ...wish }, window.location.origin)

export const open = (wish) => {
  if (window.tandemWords) ask(wish)
  else window.addEventListener("tandem-words", () => ask(wish), { once: true })
}

// Kept over a sign-in, which leads to other pages and back.
const follow = () => {
  const { hash, pathname, search } = window.location
  if (hash === MARK || hash.startsWith(`${MARK}?`)) {
    try { window.sessionStorage.setItem(KEPT, hash.slice(MARK.length + 1)) } catch { /* private windows may refuse */ }
    window.history.replaceState(window.history.state, "", pathname + search)
  }
  let kept = null
  try { kept = window.sessionStorage.getItem(KEPT) } catch { /* private windows may refuse */ }
  if (kept === null) return
  const open_now = () => {
    window.sessionStorage.removeItem(KEPT)
    const given = new URLSearchParams(kept)
    ask(Object.fromEntries(KEYS.filter((key) => given.has(key)).map((key) => [key, given.get(key)])))
  }
  if (window.tandemWords) open_now()
  else window.addEventListener("tandem-words", open_now, { once: true })
}
window.addEventListener("hashchange", follow)
follow()
