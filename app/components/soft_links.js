// Clicks anywhere in the document; the component's own element is only where it is mounted.
export default function ({ setTriggerValue }) {
  const onClick = (event) => {
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey
    const link = plain && !event.defaultPrevented && event.target.closest?.("a.comus-link")
    if (!link) return
    event.preventDefault()
    setTriggerValue("go", link.getAttribute("href"))
  }
  document.addEventListener("click", onClick)
  return () => document.removeEventListener("click", onClick)
}
