// Clicks anywhere in the document; the component's own element is only where it is mounted.
let acted = false // whether a person did something since the last entry of the history
let here = location.pathname

// One entry a person's action: Streamlit adds one for every parameter that a script completes the address with, and
// on those the way back would stand still.
function keepHistoryShort() {
  const push = history.pushState.bind(history)
  history.pushState = (...entry) => {
    const { pathname } = new URL(entry[2] ?? "", location.href)
    const add = acted || pathname !== location.pathname
    acted = false
    here = pathname
    return add ? push(...entry) : history.replaceState(...entry)
  }
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => { acted = true }, true)
}
if (!window.comusHistory) { window.comusHistory = true; keepHistoryShort() }

export default function ({ setTriggerValue }) {
  // Of another page Streamlit tells the script by itself.
  const onBack = () => {
    acted = false
    if (location.pathname === here) setTriggerValue("back", location.search)
    here = location.pathname
  }
  const onClick = (event) => {
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey
    const link = plain && !event.defaultPrevented && event.target.closest?.("a.comus-link")
    if (!link) return
    event.preventDefault()
    setTriggerValue("go", link.getAttribute("href"))
  }
  document.addEventListener("click", onClick)
  addEventListener("popstate", onBack)
  return () => {
    document.removeEventListener("click", onClick)
    removeEventListener("popstate", onBack)
  }
}
