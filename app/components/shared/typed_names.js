// A name that is typed and not saved yet stays in its tab: after a reload, or when its page is opened again, it stands in
// its field as it was typed.
const FIELD = "input[aria-label^='Name of cluster ']"
const setValue = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set
const plain = (text) => text.trim().replace(/\s+/g, " ")
const keyOf = (field) => `comus-typed ${new URLSearchParams(location.search).get("run") ?? ""} ${field.ariaLabel}`
const read = (key) => { try { return JSON.parse(sessionStorage[key] ?? "null") } catch { return null } } // it may be off
const keep = (key, draft) => { try { sessionStorage[key] = JSON.stringify(draft) } catch { /* then it is not kept */ } }
const drop = (key) => { try { delete sessionStorage[key] } catch { /* it was not kept */ } }

class TypedNames {
  constructor() {
    this.seen = new WeakMap() // field -> [its key, the name that it showed at first]
    this.sent = new Map() // key -> whether a run of the script has begun since
    document.addEventListener("input", (event) => this.onInput(event.target), true)
    document.addEventListener("focusout", (event) => this.onSent(event.target), true)
    document.addEventListener("keydown", (event) => { if (event.key === "Enter") this.onSent(event.target) }, true)
    addEventListener("popstate", () => { if (this.isField(document.activeElement)) document.activeElement.blur() }, true)
    new MutationObserver((changes) => this.onChange(changes)).observe(document.body, {
      childList: true, subtree: true, attributeFilter: ["aria-label", "data-test-script-state"],
    })
    this.look()
  }

  isField(node) {
    return node instanceof HTMLInputElement && node.matches(FIELD)
  }

  onInput(field) {
    if (!this.isField(field)) return
    const key = keyOf(field), [, shown] = this.seen.get(field) ?? [key, ""]
    this.sent.delete(key)
    if (plain(field.value) === "" || plain(field.value) === plain(shown)) drop(key)
    else keep(key, { typed: field.value, shown })
  }

  onSent(field) {
    if (this.isField(field) && read(keyOf(field))) this.sent.set(keyOf(field), false)
  }

  onChange(changes) {
    const state = changes.some((change) => change.attributeName === "data-test-script-state")
    this.look() // before what was sent is forgotten: a name that was refused is in no field
    if (state) this.onRun(document.querySelector("[data-testid=stApp]")?.dataset.testScriptState)
  }

  onRun(state) {
    for (const [key, begun] of this.sent) {
      if (state === "running") this.sent.set(key, true)
      else if (begun) {
        this.sent.delete(key)
        const field = [...document.querySelectorAll(FIELD)].find((one) => keyOf(one) === key)
        if (!field || plain(field.value) === plain(read(key)?.typed ?? "")) drop(key) // else it was refused
      }
    }
  }

  look() {
    for (const field of document.querySelectorAll(FIELD)) {
      const key = keyOf(field)
      if (this.seen.get(field)?.[0] === key) continue
      this.seen.set(field, [key, field.value])
      const draft = read(key)
      if (!draft) continue
      if (plain(draft.typed) === plain(field.value)) { drop(key); continue } // a field shows at first what is saved
      // Saved, it shows another name only if someone else chose that one.
      if (this.sent.has(key) && field.value === draft.shown) continue
      setValue.call(field, draft.typed)
      field.dispatchEvent(new Event("input", { bubbles: true }))
    }
  }
}

export default function () {
  window.comusTypedNames ??= new TypedNames()
}
