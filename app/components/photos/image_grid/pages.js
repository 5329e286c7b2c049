// The list of images in parts: those in view are fetched, what is not wanted any more is cancelled, few are kept.
const PART = 100, KEPT = 12

class Pages {
  constructor(onArrival, onFault) {
    Object.assign(this, { onArrival, onFault, url: "", held: new Map(), pending: new Map() })
  }

  open(url) {
    this.want(0, -1)
    this.url = url
    this.held.clear()
  }

  at(place) {
    return this.held.get(Math.floor(place / PART))?.[place % PART]
  }

  // Places `first` to `last` are in view: nothing else is waited for.
  want(first, last) {
    const from = Math.floor(first / PART), to = last < 0 ? -1 : Math.floor(last / PART)
    for (const [number, control] of this.pending) {
      if (number < from || number > to) { control.abort(); this.pending.delete(number) }
    }
    for (let number = from; number <= to; number++) {
      if (!this.held.has(number) && !this.pending.has(number)) this.fetch(number)
    }
  }

  async fetch(number) {
    const control = new AbortController(), url = this.url
    this.pending.set(number, control)
    try {
      const answer = await fetch(`${url}&at=${number * PART}&n=${PART}`, { signal: control.signal })
      if (!answer.ok) throw new Error(await answer.text())
      const images = (await answer.json()).images
      if (url !== this.url) return
      this.held.delete(number)
      this.held.set(number, images.map(([row, id, ratio, look, proposals, excluded]) => ({ row, id, ratio, look, proposals, excluded })))
      while (this.held.size > KEPT) this.held.delete(this.held.keys().next().value)
      this.onArrival()
    } catch (fault) {
      if (fault.name !== "AbortError") this.onFault(fault)
    } finally {
      if (this.pending.get(number) === control) this.pending.delete(number)
    }
  }
}
