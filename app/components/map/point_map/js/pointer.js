// Mouse, touch and keys become four wishes: move, zoom, draw, point.
const CLICK_PIXELS = 4;
const WHEEL_STEP = 0.0016;
const KEY_TOOL = { l: "lasso", b: "box", h: "hand" };
const KEY_ACTION = { "+": "in", "=": "in", "-": "out", _: "out", 0: "fit", n: "labels", Escape: "clear" };
const KEY_PAN = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };

class Pointer {
  // wishes: pan(dx, dy), zoom(x, y, factor), stroke(path, mode), drawn(path, mode), hover(x, y), leave(), click(x, y),
  // tool(name), action(name), panning(on)
  constructor(plot, surface, wishes) {
    Object.assign(this, { plot, surface, wishes, tool: "lasso", mode: "replace", touches: new Map(), path: null, held: null, space: false });
    this.off = new AbortController();
    const on = (target, name, handler, options = {}) =>
      target.addEventListener(name, handler.bind(this), { signal: this.off.signal, ...options });
    on(surface, "pointerdown", this.down);
    on(surface, "pointermove", this.move);
    on(surface, "pointerup", this.up);
    on(surface, "pointercancel", this.cancel);
    on(surface, "pointerleave", () => this.wishes.leave());
    on(surface, "wheel", this.wheel, { passive: false });
    on(plot, "keydown", this.key);
    on(plot, "keyup", (event) => { if (event.key === " ") this.space = false; });
    on(plot, "blur", () => { this.space = false; plot.classList.remove("pointed"); });
  }

  at(event) {
    const box = this.surface.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  modeOf(event) {
    return event.shiftKey ? "add" : event.altKey ? "subtract" : this.mode;
  }

  down(event) {
    if (event.button > 1) return;
    event.preventDefault();
    this.plot.classList.add("pointed"); // no focus ring for the mouse
    this.plot.focus({ preventScroll: true });
    this.surface.setPointerCapture(event.pointerId);
    this.touches.set(event.pointerId, this.at(event));
    if (this.touches.size === 2) return this.abandon();
    this.start = this.last = this.at(event);
    this.moved = false;
    this.held = event.button === 1 || this.space || this.tool === "hand" ? "pan" : "draw";
    this.path = this.held === "draw" ? [this.start] : null;
  }

  move(event) {
    const here = this.at(event);
    if (this.touches.size === 2 && this.touches.has(event.pointerId)) return this.pinch(event.pointerId, here);
    if (!this.held) return event.pointerType !== "touch" && this.wishes.hover(...here);
    if (!this.moved && Math.hypot(here[0] - this.start[0], here[1] - this.start[1]) < CLICK_PIXELS) return;
    this.moved = true;
    this.wishes.leave();
    if (this.held === "pan") {
      this.wishes.panning(true);
      this.wishes.pan(here[0] - this.last[0], here[1] - this.last[1]);
    } else {
      const passed = event.getCoalescedEvents?.().map((e) => this.at(e)) ?? [];
      this.path = this.tool === "box" ? boxPath(this.start, here) : [...this.path, ...(passed.length ? passed : [here])];
      this.wishes.stroke(this.path, this.modeOf(event));
    }
    this.last = here;
  }

  up(event) {
    this.touches.delete(event.pointerId);
    const { held, moved, path } = this;
    this.cancel(event);
    if (held && !moved && event.button === 0) this.wishes.click(...this.at(event));
    else if (held === "draw" && moved && path.length > 2) this.wishes.drawn(path, this.modeOf(event));
  }

  cancel(event) {
    this.touches.delete(event.pointerId);
    this.abandon();
  }

  // Gives up the stroke or drag under way.
  abandon() {
    Object.assign(this, { held: null, path: null });
    this.wishes.panning(false);
    this.wishes.stroke(null);
  }

  pinch(id, here) {
    const [other] = [...this.touches].filter(([key]) => key !== id).map(([, place]) => place);
    const before = this.touches.get(id);
    const spread = (p) => Math.max(Math.hypot(p[0] - other[0], p[1] - other[1]), 1);
    this.wishes.pan((here[0] - before[0]) / 2, (here[1] - before[1]) / 2);
    this.wishes.zoom((here[0] + other[0]) / 2, (here[1] + other[1]) / 2, spread(here) / spread(before));
    this.touches.set(id, here);
  }

  wheel(event) {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1);
    this.wishes.zoom(...this.at(event), Math.exp(-Math.max(-300, Math.min(300, pixels)) * WHEEL_STEP * (event.ctrlKey ? 4 : 1)));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.target.matches("input")) return;
    if (event.shiftKey && /^[A-Z]$/.test(event.key)) return; // capital letters act on the selection
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === " " && event.target !== this.plot) return; // Space presses the focused button
    if (key === " ") this.space = true;
    else if (key === "Escape" && this.path) this.abandon();
    else if (KEY_TOOL[key]) this.wishes.tool(KEY_TOOL[key]);
    else if (KEY_ACTION[key]) this.wishes.action(KEY_ACTION[key]);
    else if (KEY_PAN[key]) this.wishes.pan(...KEY_PAN[key]);
    else return;
    event.preventDefault();
    event.stopPropagation(); // the page has shortcuts of its own
  }
}

function boxPath([x0, y0], [x1, y1]) {
  return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
}
