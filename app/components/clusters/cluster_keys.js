// Keys of the Clusters page: they press what a mouse would press, so that each has one meaning. And picks of crops.
const BUTTONS = {
  m: "merge_clusters", s: "split_cluster", r: "reject_clusters", "?": "cluster_help", c: "open_confused",
}
const cards = () => [...document.querySelectorAll("[class*='st-key-card_']")]
const keyOf = (card) => [...card.classList].find((name) => name.startsWith("st-key-card_"))
const crops = () => [...document.querySelectorAll("figure:has([data-pick])")]
const idOf = (crop) => crop.querySelector("[data-pick]").dataset.pick

export default function ({ setTriggerValue }) {
  document.documentElement.dataset.clusterKeys = "on" // from now on keys are answered
  const mark = document.createElement("style")
  document.head.append(mark)
  let current = sessionStorage.getItem("comus.card") ?? ""
  let crop = ""
  let lastPick = null

  const show = (card) => {
    current = card ? keyOf(card) : ""
    sessionStorage.setItem("comus.card", current)
    mark.textContent = current ? `.${current} { box-shadow: 0 0 0 3px #5b7fe8; }` : ""
    card?.scrollIntoView({ block: "nearest", behavior: "instant" })
  }
  const currentCard = () => cards().find((card) => keyOf(card) === current)
  const currentCrop = () => crops().find((one) => idOf(one) === crop)
  const showCrop = (one) => {
    document.querySelectorAll(".comus-current").forEach((other) => other.classList.remove("comus-current"))
    crop = idOf(one)
    one.classList.add("comus-current")
    one.scrollIntoView({ block: "nearest", behavior: "instant" })
  }
  const stepTo = (all, here, by, go) => {
    const at = all.indexOf(here)
    const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)
    if (all[next]) go(all[next])
  }
  const step = (by) => (cards().length ? stepTo(cards(), currentCard(), by, show) : stepTo(crops(), currentCrop(), by, showCrop))
  const press = (name) => document.querySelector(`.st-key-${name} button:not(:disabled)`)?.click()
  const scope = () => currentCard() ?? document
  const turn = (name) => document.querySelector(`[data-testid=${name}]:not(:disabled)`)?.click()
  const pickOrSelect = () => {
    if (cards().length) currentCard()?.querySelector("[class*='st-key-pick_'] input")?.click()
    else currentCrop()?.querySelector("[data-pick]").click()
  }
  const nameIt = () => {
    const field = scope().querySelector("[class*='st-key-name_'] input")
    field?.focus()
    field?.select()
  }
  const KEYS = {
    j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1), x: pickOrSelect, n: nameIt,
    o: () => (currentCard()?.querySelector("a[data-open]") ?? currentCrop()?.querySelector("a"))?.click(),
    b: () => scope().querySelector("a[data-near]")?.click(),
    Escape: () => press("all_clusters"),
    "[": () => turn("stPaginationPrevious"), "]": () => turn("stPaginationNext"),
  }

  const onKey = (event) => {
    if (event.defaultPrevented || dialogIsOpen() || isTyped(event)) return
    const focused = event.composedPath()[0], way = wayBack(event)
    const own = event.key === "Enter" && !focused.closest?.("button, a, summary") ? KEYS.o : KEYS[event.key]
    if (way) press(`${way}_decision`)
    else if (isCommand(event) || event.altKey) return
    else if (own) own()
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
  show(currentCard())
  document.addEventListener("keydown", onKey)
  document.addEventListener("click", onClick)
  return () => {
    document.removeEventListener("keydown", onKey)
    document.removeEventListener("click", onClick)
    mark.remove()
  }
}
