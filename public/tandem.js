// The header's link to documents and models opens the panel instead of another page.
document.addEventListener("click", (event) => {
  const link = event.target.closest && event.target.closest('a[href$="#house"]')
  if (!link) return
  event.preventDefault()
  window.postMessage({ tandem: "open" }, window.location.origin)
})
