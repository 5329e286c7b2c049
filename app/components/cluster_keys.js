// Keys of the Clusters page: they press what a mouse would press, so that each has one meaning. And picks of crops.
const BUTTONS = {
  m: "merge_clusters", s: "split_cluster", r: "reject_clusters", u: "undo_decision", U: "redo_decision", "?": "cluster_help",
}
const TYPING = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]"
const cards = () => [...document.querySelectorAll("[class*='st-key-card_']")]
const keyOf = (card) => [...card.classList].find((name) => name.startsWith("st-key-card_"))

export default function ({ setTriggerValue }) {
  const mark = document.createElement("style")
  document.head.append(mark)
  let current = sessionStorage.getItem("comus.card") ?? ""
  let lastPick = null

  const show = (card) => {
    current = card ? keyOf(card) : ""
    sessionStorage.setItem("comus.card", current)
    mark.textContent = current ? `.${current} { box-shadow: 0 0 0 3px #5b7fe8; }` : ""
    card?.scrollIntoView({ block: "nearest", behavior: "instant" })
  }
  const step = (by) => {
    const all = cards()
    const at = all.findIndex((card) => keyOf(card) === current)
    const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)
    if (all[next]) show(all[next])
  }
  const press = (name) => document.querySelector(`.st-key-${name} button:not(:disabled)`)?.click()

  const onKey = (event) => {
    const target = event.composedPath()[0]
    if (event.defaultPrevented || target.closest?.(TYPING) || document.querySelector("[role=dialog]")) return
    const command = event.ctrlKey || event.metaKey
    if (command && event.key.toLowerCase() === "z") press(event.shiftKey ? BUTTONS.U : BUTTONS.u)
    else if (command || event.altKey) return
    else if (event.key === "j" || event.key === "ArrowDown") step(1)
    else if (event.key === "k" || event.key === "ArrowUp") step(-1)
    else if (event.key === "x") document.querySelector(`.${current || "none"} [class*='st-key-pick_'] input`)?.click()
    else if (BUTTONS[event.key]) press(BUTTONS[event.key])
    else return
    event.preventDefault()
  }
  const onClick = (event) => {
    const pick = event.target.closest?.("[data-pick]")
    if (!pick) return
    event.preventDefault()
    const all = [...document.querySelectorAll("[data-pick]")]
    const from = all.findIndex((other) => other.dataset.pick === lastPick)
    const to = all.indexOf(pick)
    const range = event.shiftKey && from >= 0 ? all.slice(Math.min(from, to), Math.max(from, to) + 1) : [pick]
    lastPick = pick.dataset.pick
    const wanted = pick.getAttribute("aria-pressed") !== "true"
    setTriggerValue("crops", { ids: range.map((one) => one.dataset.pick), picked: wanted })
  }
  show(cards().find((card) => keyOf(card) === current))
  document.addEventListener("keydown", onKey)
  document.addEventListener("click", onClick)
  return () => {
    document.removeEventListener("keydown", onKey)
    document.removeEventListener("click", onClick)
    mark.remove()
  }
}
