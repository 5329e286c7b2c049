// Brush, eraser and polygon by pointer and keys; edits that need the server are sent to it and come back as a draft.
const KEY_TOOL = { b: "brush", e: "eraser", p: "polygon" };
const KEY_MOVE = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const MOST_TRIES = 30;
const CLOSE_PIXELS = 8; // of the page, around the first corner of a polygon

class Editor {
  constructor(root, data, send) {
    Object.assign(this, { root, data, send, tool: "brush", corners: [], cursor: null, parts: null, asked: null, applied: data.draft?.number ?? 0 });
    this.find = (name) => root.querySelector(`[data-part="${name}"]`);
    this.mask = new Mask(data.width, data.height);
    this.mask.setRuns(data.runs, false);
    const kept = recall(data.name);
    if (kept && kept.base === data.runs && !(kept.sent <= data.saved)) this.mask.setRuns(kept.runs, true);
    const picture = root.querySelector(".image");
    Object.assign(picture, { src: data.url, alt: data.alt });
    root.style.setProperty("--ratio", String(data.width / data.height));
    this.frame = root.querySelector(".frame");
    this.surface = new Surface(this.frame, this.mask, data.colour);
    const side = Math.min(data.width, data.height), size = this.find("size");
    Object.assign(size, { max: Math.max(20, Math.round(side / 2)), value: Math.max(3, Math.round(side / 16)) });
    this.find("separate").hidden = data.fresh;
    this.find("original").hidden = !data.original;
    this.find("save").textContent = data.fresh ? "Save object" : "Save mask";
    this.wire();
    this.choose("brush");
    this.changed("");
    this.frame.focus({ preventScroll: true });
  }

  wire() {
    const { frame, root } = this;
    frame.onpointerdown = (event) => this.down(event);
    frame.onpointermove = (event) => this.move(event);
    frame.onpointerup = frame.onpointercancel = () => this.up();
    frame.onpointerleave = () => { if (!this.last) this.cursor = null; this.guide(); };
    frame.ondblclick = () => this.close();
    for (const button of root.querySelectorAll("button")) {
      button.onclick = (event) => {
        this.act(button.dataset.act, button.dataset.amount);
        if (event.detail) frame.focus({ preventScroll: true }); // by pointer: the next key is for the mask
      };
    }
    this.find("size").oninput = () => this.guide();
    this.find("opacity").oninput = (event) => root.style.setProperty("--opacity", String(event.target.value / 100));
    const threshold = this.find("threshold"), words = this.find("threshold-words");
    threshold.value = Math.round(100 * (this.data.threshold ?? 0.5));
    threshold.closest("label").hidden = this.data.threshold === null;
    threshold.oninput = () => { words.value = (threshold.value / 100).toFixed(2); };
    threshold.oninput();
    threshold.onchange = () => this.request("threshold", threshold.value / 100);
    root.resizing?.disconnect();
    root.resizing = new ResizeObserver(() => this.guide());
    root.resizing.observe(frame);
  }

  get radius() {
    return Number(this.find("size").value) / 2;
  }

  choose(tool) {
    this.close();
    this.tool = tool;
    for (const button of this.root.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    this.guide();
  }

  guide() {
    this.surface.guide(this.cursor, this.tool === "polygon" ? 0 : this.radius, this.corners);
  }

  down(event) {
    if (!event.isPrimary) return this.grip(event);
    if (event.button !== 0 || event.offsetX > this.frame.clientWidth || event.offsetY > this.frame.clientHeight) return; // a scroll bar
    this.second = null;
    const here = this.surface.place(event);
    event.preventDefault();
    this.frame.focus({ preventScroll: true });
    this.cursor = here;
    if (this.tool === "polygon") return this.corner(here);
    this.frame.setPointerCapture(event.pointerId);
    this.asked = null; // a late answer would cover the stroke
    this.mask.begin();
    this.last = here;
    this.dab(here, event);
  }

  move(event) {
    if (this.second) return this.pull(event);
    for (const part of event.getCoalescedEvents?.() ?? [event]) {
      this.cursor = this.surface.place(part);
      if (this.last) this.dab(this.cursor, part);
    }
    this.guide();
  }

  // A second finger moves the image instead of painting.
  grip(event) {
    if (this.last) {
      this.last = null;
      const box = this.mask.commit();
      if (box) this.surface.redraw(this.mask.undo());
      this.mask.undone = [];
    }
    this.second = { id: event.pointerId, x: event.clientX, y: event.clientY };
  }

  pull(event) {
    const { id, x, y } = this.second;
    if (event.pointerId !== id) return;
    this.frame.scrollBy(x - event.clientX, y - event.clientY);
    this.second = { id, x: event.clientX, y: event.clientY };
  }

  // A pen paints as wide as it is pressed.
  dab(here, event) {
    const pressure = event.pointerType === "pen" && event.pressure ? Math.max(0.2, 1.6 * event.pressure) : 1;
    const erases = (this.tool === "eraser") !== Boolean(event.altKey);
    this.surface.redraw(this.mask.stroke(this.last, here, Math.max(0.5, this.radius * Math.min(1, pressure)), erases ? 0 : 1));
    this.last = here;
  }

  up() {
    if (!this.last) return;
    this.last = null;
    if (this.mask.commit()) this.changed("");
  }

  corner(here) {
    const first = this.corners[0], scale = this.surface.layer.clientWidth / this.mask.width;
    if (this.corners.length > 2 && Math.hypot(here[0] - first[0], here[1] - first[1]) * scale < CLOSE_PIXELS) return this.close();
    this.corners.push(here);
    this.guide();
  }

  // Fills the polygon; one of fewer than three corners is dropped.
  close() {
    const corners = this.corners;
    this.corners = [];
    if (corners.length > 2) {
      this.mask.begin();
      this.surface.redraw(this.mask.fill(corners, 1));
      if (this.mask.commit()) this.changed("");
    }
    this.guide();
  }

  act(name, amount) {
    if (KEY_TOOL[name[0]] === name) this.choose(name);
    else if (name === "undo" || name === "redo") this.step(name);
    else if (name === "in" || name === "out") {
      this.find("zoom").value = `${this.surface.zoomTo(this.surface.zoom * (name === "in" ? 2 : 0.5))}×`;
      this.guide();
    } else if (name === "clear") {
      this.mask.setRuns((this.data.width * this.data.height).toString(36), true);
      this.whole("Cleared");
    } else if (name === "part") this.nextPart();
    else if (name === "save" || name === "separate") this.save(name);
    else if (name === "cancel") { forget(this.data.name); this.send("cancel", true); }
    else this.request(name, Number(amount) || 0);
  }

  step(name) {
    if (this.corners.length) this.corners.pop();
    else {
      const box = this.mask[name]();
      this.surface.redraw(box);
      if (box) this.changed("");
    }
    this.guide();
  }

  nextPart() {
    const runs = this.mask.toRuns();
    if (this.parts?.shown !== runs) this.parts = { base: runs, number: 0 };
    this.parts.number++;
    this.request("part", this.parts.number, this.parts.base);
  }

  request(op, amount, runs) {
    this.close();
    this.status("Working …");
    this.ask("edit", { op, amount, runs: runs ?? this.mask.toRuns() });
  }

  ask(event, request) {
    this.asked = { ...request, event, number: Math.max(Date.now(), this.applied + 1, this.data.saved + 1) };
    this.repeat(this.asked, 0);
  }

  // A request that is sent while the page is being drawn can be lost, so it is sent until it is answered.
  repeat(request, tries) {
    if (this.asked !== request || !this.root.isConnected || this.root.editor !== this) return;
    if (tries > MOST_TRIES) {
      this.asked = null;
      return this.status("No answer: try again, or reload the page; what you drew is kept.", true);
    }
    this.send(request.event, request);
    const wait = request.event === "edit" ? 1000 : 10000; // each one draws the page anew: a save's answer is a whole page
    setTimeout(() => this.repeat(request, tries + 1), wait);
  }

  // The answer to the last request, once; any other is late.
  receive(draft) {
    if (!draft || draft.number <= this.applied || (draft.op !== "save" && draft.number !== this.asked?.number)) return;
    this.applied = draft.number;
    this.asked = null;
    if (draft.fault) {
      this.keep();
      return this.status(draft.fault, true);
    }
    this.mask.setRuns(draft.runs, true);
    if (draft.op === "part" && this.parts) this.parts.shown = draft.runs;
    this.whole(draft.words);
  }

  whole(words) {
    this.surface.redraw({ left: 0, top: 0, width: this.mask.width, height: this.mask.height });
    this.changed(words);
  }

  changed(words) {
    const same = this.keep();
    this.find("save").disabled = this.find("separate").disabled = same || !this.mask.area;
    this.find("undo").disabled = !this.mask.done.length;
    this.find("redo").disabled = !this.mask.undone.length;
    const area = `${this.mask.area.toLocaleString("en")} pixels`;
    this.status(this.mask.area ? [words, area].filter(Boolean).join(": ") : this.empty());
  }

  empty() {
    return this.data.fresh ? "Draw the object." : "The mask is empty: draw it, or cancel and erase the proposal.";
  }

  // Keeps what is drawn, in case of a reload; whether it is the mask as it was.
  keep() {
    const runs = this.mask.toRuns(), same = runs === this.data.runs;
    if (same) forget(this.data.name);
    else remember(this.data.name, { base: this.data.runs, runs });
    return same;
  }

  status(words, fault = false) {
    this.find("status").textContent = words;
    this.find("status").classList.toggle("fault", fault);
  }

  save(name) {
    this.close();
    if (this.find(name).disabled || this.find(name).hidden || (this.asked && this.asked.event !== "edit")) return;
    this.status("Saving …");
    this.ask(name, { name: this.data.name, runs: this.mask.toRuns() });
    remember(this.data.name, { base: this.data.runs, runs: this.asked.runs, sent: this.asked.number }); // until it is saved
  }

  key(event) {
    const own = event.composedPath(), control = own[0]?.tagName, inside = own.includes(this.root);
    if (!inside && own.some((node) => /^(INPUT|TEXTAREA|SELECT|BUTTON|A)$/.test(node.tagName) || node.isContentEditable)) return;
    if (inside && (control === "INPUT" ? /^(Arrow|Home|End|Page| $)/.test(event.key) : control === "BUTTON" && /^(Enter| )$/.test(event.key))) return event.stopPropagation();
    if (!this.answer(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  answer(event) {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey) {
      if (key === "z") this.step(event.shiftKey ? "redo" : "undo");
      else if (key === "y") this.step("redo");
      return key === "z" || key === "y";
    }
    if (KEY_TOOL[key]) this.choose(KEY_TOOL[key]);
    else if (key === "[" || key === "]") {
      const size = this.find("size");
      size.value = Number(size.value) + (key === "]" ? 1 : -1) * Math.max(1, Math.round(size.value / 6));
      this.guide();
    } else if (key === "+" || key === "=") this.act("in");
    else if (key === "-") this.act("out");
    else if (key === "n") this.act("part");
    else if (key === "o") this.act("separate");
    else if (KEY_MOVE[key]) this.steer(KEY_MOVE[key], event);
    else if (key === " ") this.press(event);
    else if (key === "Enter") this.corners.length ? this.close() : this.save("save");
    else if (key === "Escape") {
      if (this.corners.length) this.corners = [];
      else this.act("cancel");
      this.guide();
    } else return false;
    return true;
  }

  // The arrow keys move the brush: by half of it, with Shift by a pixel.
  steer([dx, dy], event) {
    const by = event.shiftKey ? 1 : Math.max(1, this.radius), [x, y] = this.cursor ?? [this.mask.width / 2, this.mask.height / 2];
    this.cursor = [Math.min(this.mask.width, Math.max(0, x + dx * by)), Math.min(this.mask.height, Math.max(0, y + dy * by))];
    this.surface.scrollTo(this.cursor);
    this.guide();
  }

  press(event) {
    this.cursor ??= [this.mask.width / 2, this.mask.height / 2];
    if (this.tool === "polygon") return this.corner([...this.cursor]);
    this.mask.begin();
    this.last = this.cursor;
    this.dab(this.cursor, event);
    this.up();
    this.guide();
  }
}
