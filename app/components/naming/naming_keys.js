// The keyboard of the Name clusters page: suggestions below the field, Enter in it, and keys outside of it. They press
// what a mouse would press, so that each has one meaning.
const BUTTONS = {
  n: "naming_next", ArrowRight: "naming_next", p: "naming_previous", ArrowLeft: "naming_previous", r: "naming_reject",
  m: "naming_merge", "?": "naming_help",
}
const FIELD = "[class*='st-key-naming_name'] input"
const SHOWN = 9, WAIT = 3000 // suggestions; milliseconds until an unanswered field can be used again
const AGAIN = 50 // milliseconds until a field that could not take the keyboard is tried again
const setValue = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set

const plain = (text) => text.trim().replace(/\s+/g, " ")
const folded = (text) => plain(text).toLowerCase()
const press = (name) => {
  const button = document.querySelector(`:is(.st-key-${name}, [class*='st-key-${name}-of-']) button:not(:disabled)`)
  button?.click()
  return Boolean(button)
}

// Names that begin with the letters typed, then those with a word that does, then those that contain them.
function matching(names, typed) {
  const letters = folded(typed)
  const place = (name) => {
    const at = folded(name).indexOf(letters)
    return at < 0 ? 3 : at === 0 ? 0 : folded(name).includes(` ${letters}`) ? 1 : 2
  }
  const found = names.map((name) => [place(name), name]).filter(([rank, name]) => rank < 3 && folded(name) !== letters)
  return found.sort((one, other) => one[0] - other[0]).slice(0, SHOWN).map(([, name]) => name)
}

class Naming {
  constructor(root) {
    this.list = root.querySelector("[role=listbox]")
    this.hint = root.querySelector(".comus-naming-hint")
    this.data = { names: [], taken: [], ahead: [] }
    this.turn = this.held = null
    this.due = false // whether the field of another cluster is to get the keyboard as soon as it can have it
    this.typing = false // whether the field has the keyboard, also while it is drawn anew
    this.current = -1
    this.handlers = { focusout: () => this.typing && this.settleSoon(0), focusin: (event) => this.onFocus(event), keydown: (event) => this.onKey(event), input: (event) => this.onInput(event), pointerdown: (event) => this.onPick(event) }
    for (const [kind, handler] of Object.entries(this.handlers)) document.addEventListener(kind, handler, true)
    // Streamlit may empty the field of the next cluster after it is drawn; nothing says that a value changed.
    this.watch = setInterval(() => this.input && this.input.value !== this.shownFor && this.show(), AGAIN)
    this.observer = new MutationObserver(() => this.settle())
    this.observer.observe(document.body, { childList: true, subtree: true, attributeFilter: ["aria-label", "disabled"] })
  }

  settleSoon(wait) {
    clearTimeout(this.soon)
    this.soon = setTimeout(() => this.settle(), wait)
  }

  destroy() {
    clearInterval(this.watch)
    clearTimeout(this.soon)
    for (const [kind, handler] of Object.entries(this.handlers)) document.removeEventListener(kind, handler, true)
    this.observer.disconnect()
  }

  field() {
    // For a moment the field of the cluster before may stand beside it.
    return [...document.querySelectorAll(FIELD)].find((input) => input.getAttribute("aria-label") === this.data.label) ?? null
  }

  update(data) {
    this.data = data
    for (const url of data.ahead) new Image().src = url // the crops of the next cluster are there when it is
    this.settle()
  }

  // The field is drawn by another part of the page, before or after this one is told of it, and more than once.
  settle() {
    const input = this.field()
    if (!input) return
    const lost = this.typing && document.activeElement === document.body // it was drawn anew, or disabled for a moment
    if (input === this.input && this.told === this.data && !this.due && !lost) return
    const isNew = input !== this.input, takes = this.turn !== this.data.turn
    if (isNew) this.describe(input)
    Object.assign(this, { input, turn: this.data.turn, told: this.data })
    if (this.held) input.readOnly = true
    if (this.held?.until(this.data)) this.release()
    if (takes) this.typing = this.due = true
    if (this.typing && !input.disabled) {
      input.focus()
      if (this.due) input.select()
      this.due &&= document.activeElement !== input
      if (this.due) this.settleSoon(AGAIN) // it is not shown yet, and what shows it need not be a change that is observed
    }
    this.show()
  }

  describe(input) {
    input.setAttribute("role", "combobox")
    input.setAttribute("aria-autocomplete", "list")
    input.setAttribute("aria-controls", this.list.id)
  }

  show() {
    const input = this.input, typed = input?.value ?? ""
    this.shownFor = typed
    const dirty = folded(typed) !== folded(this.data.saved) && plain(typed) !== ""
    this.current = -1
    const others = this.data.names.filter((name) => folded(name) !== folded(this.data.saved))
    const names = matching(others, plain(typed) === plain(this.data.saved) ? "" : typed)
    this.list.replaceChildren(...names.map((name, number) => this.option(name, number)))
    input?.removeAttribute("aria-activedescendant")
    input?.setAttribute("aria-expanded", String(names.length > 0))
    const other = dirty && this.data.taken.find((name) => folded(name) === folded(typed))
    this.hint.textContent = other ? `Another cluster has the name ${other}: Enter saves it and offers to merge them.`
      : dirty ? "Enter saves the name and goes on." : ""
    document.querySelector(".comus-saved")?.toggleAttribute("hidden", dirty)
  }

  option(name, number) {
    const option = document.createElement("li")
    Object.assign(option, { id: `comus-suggestion-${number}`, textContent: name, role: "option", ariaSelected: "false" })
    return option
  }

  choose(number) {
    const options = [...this.list.children]
    this.current = options.length ? (number + options.length + 1) % (options.length + 1) : -1
    if (this.current === options.length) this.current = -1
    options.forEach((option, at) => { option.ariaSelected = String(at === this.current) })
    if (this.current < 0) return this.input.removeAttribute("aria-activedescendant")
    this.input.setAttribute("aria-activedescendant", options[this.current].id)
    options[this.current].scrollIntoView({ block: "nearest", behavior: "instant" })
  }

  enter(text) {
    setValue.call(this.input, text)
    this.input.dispatchEvent(new Event("input", { bubbles: true }))
  }

  // What is typed from here on would be for the next cluster, which is not there yet, or be taken for keys.
  hold(until) {
    this.release()
    const { turn } = this.data
    this.held = { until: until ?? ((data) => data.turn !== turn), end: setTimeout(() => this.release(), WAIT) }
    if (this.input) this.input.readOnly = true
  }

  release() {
    clearTimeout(this.held?.end)
    this.held = null
    if (this.input) this.input.readOnly = false
  }

  save(event) {
    const input = this.input, chosen = this.list.children[this.current]?.textContent
    if (chosen !== undefined) {
      event.preventDefault()
      event.stopPropagation()
      this.enter(chosen)
      this.show()
      requestAnimationFrame(() => input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", code: "Enter", keyCode: 13, bubbles: true, cancelable: true })))
      return
    }
    const typed = plain(input.value)
    const isNew = typed !== "" && typed !== plain(this.data.saved)
    const twin = isNew && this.data.taken.some((name) => folded(name) === folded(typed))
    this.hold(twin ? (data) => folded(data.saved) === folded(typed) : undefined)
    // Streamlit takes the name first; then it goes on, or stays where a merge is offered.
    setTimeout(() => { if (!twin && !press("naming_next_unnamed")) this.release() }, 0)
  }

  onInput(event) {
    if (event.target === this.input) this.show()
  }

  onFocus(event) {
    if (event.target === this.input) this.typing = true
  }

  onPick(event) {
    if (event.target !== this.input) this.typing = false
    const option = event.target.closest?.("[role=option]")
    if (!option || !this.list.contains(option) || !this.input || this.input.disabled) return
    event.preventDefault() // the field keeps the keyboard
    this.input.focus()
    this.enter(option.textContent)
    this.show()
  }

  inField(event) {
    const number = { ArrowDown: this.current + 1, ArrowUp: this.current - 1 }[event.key]
    const way = isCommand(event) ? wayBack(event) : null
    if (isCommand(event) && event.key === "Enter") {
      event.preventDefault()
      event.stopPropagation()
      if (press("naming_merge")) this.hold()
    } else if (way && this.input.value === this.data.saved) {
      event.preventDefault() // nothing was typed that the browser could take back
      const { saved, label } = this.data
      if (press(`naming_${way}`)) this.hold((data) => data.saved !== saved || data.label !== label)
    } else if (event.key === "Enter") this.save(event)
    else if (event.key === "Escape") {
      this.enter(this.data.saved) // what was not saved is not a name
      this.show()
      this.typing = false
      this.input.blur()
    } else if (number !== undefined) {
      event.preventDefault()
      this.choose(number)
    }
  }

  onKey(event) {
    const target = event.composedPath()[0]
    if (event.isComposing || dialogIsOpen() || (target !== this.input && isTyped(event))) return
    if (this.held) return isCommand(event) || event.key === "Tab" ? undefined : event.preventDefault()
    if (event.key === "Tab") this.typing = false
    if (target === this.input) return this.inField(event)
    const way = wayBack(event)
    if (way) press(`naming_${way}`)
    else if (isCommand(event) || event.altKey) return
    else if (event.key === "Enter" && !target.closest?.("button, a, summary, [role=option]")) {
      this.input?.focus()
      this.input?.select()
    } else if (BUTTONS[event.key]) {
      if (press(BUTTONS[event.key]) && "rm".includes(event.key)) this.hold()
    }
    else return
    event.preventDefault()
  }
}

const mounted = new WeakMap()

export default function ({ parentElement, data }) {
  if (!mounted.has(parentElement)) mounted.set(parentElement, new Naming(parentElement))
  mounted.get(parentElement).update(data)
  return () => {
    mounted.get(parentElement)?.destroy()
    mounted.delete(parentElement)
  }
}
