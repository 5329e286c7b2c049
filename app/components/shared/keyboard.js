// What every script of keys needs: when a key belongs to a field, and when it means undo. `keyboard.py` puts this
// before the script itself, as a component of Streamlit is one module.
const TYPING = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]"
const isField = (target) => Boolean(target.closest?.(TYPING))
const isCommand = (event) => event.ctrlKey || event.metaKey
const listIsOpen = () => Boolean(document.querySelector("[role=listbox]:not([data-stays])")) // one that stays is no menu
const dialogIsOpen = () => Boolean(document.querySelector("[role=dialog]"))

// Whether the key belongs to the field that it is typed in; Escape leaves it, unless a list of it is there to be closed.
function isTyped(event) {
  const target = event.composedPath()[0]
  if (!isField(target)) return false
  if (event.key === "Escape" && !listIsOpen()) target.blur()
  return true
}

// "undo" or "redo" where the key means it: u and U, Ctrl+Z and Ctrl+Shift+Z; else null.
function wayBack(event) {
  if (event.altKey) return null
  if (isCommand(event)) return event.key.toLowerCase() === "z" ? (event.shiftKey ? "redo" : "undo") : null
  return { u: "undo", U: "redo" }[event.key] ?? null
}

