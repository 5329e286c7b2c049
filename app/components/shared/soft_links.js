// Clicks anywhere in the document; the component's own element is only where it is mounted.
let acted = false // whether a person did something since the last entry of the history
let here = location.pathname

// One entry a person's action: Streamlit adds one for every parameter that a script completes the address with, and
// on those the way back would stand still.
function keepHistoryShort() {
  const push = history.pushState.bind(history)
  // A change of page first adds the new page's parameters to the old page's address: that entry becomes the new page,
  // so that the way back leads to the old page as it was.
  let between = ""
  history.pushState = (...entry) => {
    const { pathname, search } = new URL(entry[2] ?? "", location.href)
    const leaving = pathname !== location.pathname
    const add = acted || (leaving && (!between || search !== between))
    between = add && !leaving ? search : ""
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
    const link = plain && !event.defaultPrevented && event.target.closest?.("a.comus-link, [data-testid=stToast] a[href]")
    if (!link || /^[a-z]+:|^\/\//i.test(link.getAttribute("href"))) return
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
