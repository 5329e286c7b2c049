// The selected places and the current one. An extension goes from the anchor, over what was selected before it.
class Picks {
  constructor() {
    Object.assign(this, { chosen: new Set(), current: 0, anchor: 0, before: null })
  }

  read(ranges) {
    this.chosen = new Set()
    this.before = null
    for (const range of ranges ? ranges.split(".") : []) {
      const [low, high = low] = range.split("-").map(Number)
      for (let place = low; place <= high; place++) this.chosen.add(place)
    }
  }

  write() {
    const sorted = [...this.chosen].sort((a, b) => a - b), ranges = []
    for (let i = 0, start = 0; i < sorted.length; i++) {
      if (sorted[i + 1] === sorted[i] + 1) continue
      ranges.push(start === i ? `${sorted[i]}` : `${sorted[start]}-${sorted[i]}`)
      start = i + 1
    }
    return ranges.join(".")
  }

  move(place) {
    Object.assign(this, { current: place, anchor: place, before: null })
  }

  toggle(place) {
    this.move(place)
    if (!this.chosen.delete(place)) this.chosen.add(place)
  }

  extend(place) {
    this.before ??= new Set(this.chosen)
    this.chosen = new Set(this.before)
    this.current = place
    for (let p = Math.min(this.anchor, place); p <= Math.max(this.anchor, place); p++) this.chosen.add(p)
  }

  all(count) {
    this.before = null
    this.chosen = new Set(Array.from({ length: count }, (_, place) => place))
  }

  clear() {
    this.before = null
    this.chosen = new Set()
  }
}
