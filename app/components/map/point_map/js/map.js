// Ties the parts together: what the page gives (`update`), what the user does (`wishes`), what is on the screen (`paint`).
const HOVER_PIXELS = 9;
const BUTTON_ZOOM = 1.5;
const NO_WEBGL = "This map needs WebGL 2, which this browser or machine does not support. Turn on hardware acceleration in "
  + "the browser's settings, or use a current Firefox, Chrome, Edge or Safari.";
const remembered = new Map(); // by the mount's key: view, tool and buttons, so that another page and back changes nothing

class PointMap {
  constructor(root) {
    const find = (selector) => root.querySelector(selector);
    Object.assign(this, { map: find(".map"), plot: find(".plot"), message: find(".message") });
    this.view = new View();
    this.memory = { tool: "lasso", labels: true, legend: true, view: null };
    Object.assign(this, { exchange: new Exchange(), gestures: [], chosen: new Uint8Array(), hovered: -1, stroke: null, focus: -1 });
    this.legend = new Legend(find(".legend"), () => this.recolour(), (k) => { this.focus = k; this.ask(); });
    this.tooltip = new Tooltip(find(".tooltip"));
    this.readout = new Readout(find(".readout"));
    this.overlay = new Overlay(find(".overlay"));
    this.scatter = new Scatter(find(".points"), () => this.ask());
    this.pointer = new Pointer(this.plot, find(".overlay"), this.wishes());
    for (const [kind, act] of [["tool", this.setTool], ["mode", this.setMode], ["action", this.act]]) {
      for (const button of root.querySelectorAll(`button[data-${kind}]`)) button.onclick = () => act.call(this, button.dataset[kind]);
    }
    this.sizes = new ResizeObserver(() => this.resize());
    this.sizes.observe(this.plot);
    this.setMode("replace");
  }

  // Called by Streamlit at the mount, whenever the page's arguments change, and on a change of theme.
  update({ data, setTriggerValue }) {
    Object.assign(this, { data, send: setTriggerValue });
    if (!this.key) this.recall(data.key);
    this.key = data.key;
    this.map.style.setProperty("--map-height", `${data.height}px`);
    this.plot.ariaLabel = data.label;
    this.theme = readTheme(this.plot);
    if (!this.scatter.works) return this.withoutWebgl();
    this.adopt(data.gestures);
    this.load();
  }

  // The page has another map for such browsers, if it said so.
  withoutWebgl() {
    this.say("error", NO_WEBGL);
    if (this.data.fallback && !this.reported) { this.reported = true; this.send("nowebgl", true); }
  }

  recall(key) {
    this.memory = remembered.get(key) ?? this.memory;
    remembered.set(key, this.memory);
    this.setTool(this.memory.tool);
    this.showButtons();
  }

  // Fetches only what has changed: points by their address, colours by theirs.
  async load(again = false) {
    const { pointsUrl, coloursUrl } = this.data;
    const newPoints = again || pointsUrl !== this.pointsUrl, newColours = newPoints || coloursUrl !== this.coloursUrl;
    Object.assign(this, { pointsUrl, coloursUrl });
    if (!newColours) return this.xy && this.index && this.restyle();
    this.fetching?.abort();
    this.fetching = new AbortController();
    const { signal } = this.fetching;
    if (newPoints) { this.xy = null; this.say("loading", "Loading the map…"); }
    try {
      const [xy, index] = await Promise.all([this.xy ?? fetchPoints(pointsUrl, signal), fetchColours(coloursUrl, signal)]);
      if (index.length !== xy.length / 2) throw new Error(`${xy.length / 2} points but ${index.length} colours`);
      this.index = index;
      if (newPoints || !this.xy) this.setPoints(xy);
      this.look = undefined;
      this.restyle();
      this.say("ready", "");
    } catch (error) {
      if (signal.aborted) return;
      this.pointsUrl = this.coloursUrl = undefined;
      this.say("error", `The map could not be loaded: ${error.message}.`, true);
    }
  }

  setPoints(xy) {
    this.xy = xy;
    this.bounds = boundsOf(xy);
    this.grid = new GridIndex(xy, this.bounds);
    this.scatter.upload("place", xy);
    const kept = this.memory.view;
    this.view.fit(this.bounds);
    if (kept?.url === this.pointsUrl) Object.assign(this.view, kept.at);
    else this.memory.view = null;
    this.choose();
  }

  // What the page says of colours and names, and the theme: most reruns change none of it.
  restyle() {
    const { names, colours, unassigned, scale, drops } = this.data;
    const look = JSON.stringify([names, colours, unassigned, scale, drops, this.theme]);
    if (look === this.look) return;
    this.look = look;
    this.recolour(true);
  }

  // New categories, names or colours (`fresh`), or the legend hid some: the selection stays as it is.
  recolour(fresh = false) {
    const { colours, unassigned, scale, drops = [] } = this.data, names = scale ? levelNames(scale) : this.data.names;
    if (fresh) {
      this.category = this.index.map((k) => Math.min(k, names.length));
      this.palette = [...colours, unassigned.colour];
      this.names = [...names, unassigned.name];
      this.counts = new Uint32Array(this.names.length);
      for (const k of this.category) this.counts[k]++;
      this.legend.set(this.names.map((name, k) => ({ name, colour: this.palette[k], count: this.counts[k], drop: drops[k] ?? -1 })), scale);
      this.scatter.upload("category", this.category);
    }
    this.scatter.setPalette(this.palette, this.legend.hidden);
    this.labels = labelPlaces(this.xy, this.category, scale ? [] : names, this.counts, this.legend.hidden, this.bounds);
    this.report();
    this.ask();
  }

  adopt(gestures) {
    if (!this.exchange.isNews(gestures)) return;
    this.gestures = gestures;
    if (this.xy) this.choose();
  }

  commit(gestures) {
    this.gestures = gestures;
    this.choose();
    this.exchange.note(gestures);
    this.send("gestures", gestures);
  }

  choose() {
    this.chosen = applyGestures(this.xy, this.gestures);
    this.scatter.upload("chosen", this.chosen);
    this.report();
    this.ask();
  }

  wishes() {
    return {
      pan: (dx, dy) => { this.view.pan(dx, dy); this.moved(); },
      zoom: (x, y, factor) => { this.view.zoomAt(x, y, factor); this.moved(); },
      stroke: (path, mode) => { Object.assign(this, { stroke: path, strokeMode: mode }); this.ask(false); },
      drawn: (path, mode) => this.drawn(path, mode),
      hover: (x, y) => this.hover(x, y),
      leave: () => this.hover(),
      click: (x, y) => { const at = this.pick(x, y); if (at >= 0) this.send("clicked", at); },
      tool: (name) => this.setTool(name),
      action: (name) => this.act(name),
      panning: (on) => this.plot.classList.toggle("panning", on),
    };
  }

  drawn(path, mode) {
    const polygon = dataPolygon(path, this.view);
    if (polygon.length < 3 || !this.xy) return;
    this.commit(mode === "replace" ? [{ polygon, mode }] : [...this.gestures, { polygon, mode }]);
  }

  act(name) {
    const memory = this.memory, zoom = { in: BUTTON_ZOOM, out: 1 / BUTTON_ZOOM }[name];
    if (zoom) { this.view.zoomAt(this.view.width / 2, this.view.height / 2, zoom); return this.moved(); }
    if (name === "fit" && this.xy) { this.view.fit(this.bounds); memory.view = null; }
    if (name === "clear" && this.gestures.length) this.commit([]);
    if (name === "labels" || name === "legend") { memory[name] = !memory[name]; this.showButtons(); }
    if (name === "fullscreen") document.fullscreenElement ? document.exitFullscreen() : this.map.requestFullscreen();
    if (name === "retry") this.load(true);
    this.hover();
    this.ask();
  }

  setTool(name) {
    this.pointer.tool = this.memory.tool = this.plot.dataset.tool = name;
    press(this.plot, "tool", (value) => value === name);
  }

  setMode(name) {
    this.pointer.mode = name;
    press(this.plot, "mode", (value) => value === name);
  }

  showButtons() {
    this.map.classList.toggle("plain", !this.memory.legend);
    for (const name of ["labels", "legend"]) press(this.plot, "action", (value) => this.memory[name], name);
  }

  moved() {
    if (!this.xy) return;
    const { x, y, scale } = this.view;
    this.memory.view = { url: this.pointsUrl, at: { x, y, scale } };
    this.hover();
    this.ask();
  }

  pick(px, py) {
    if (!this.category) return -1;
    const [x, y] = this.view.toData(px, py);
    const radius = Math.max(HOVER_PIXELS, pointSize(this.view, this.chosen.length) / 2) / this.view.scale;
    return this.grid.nearest(x, y, radius, (k) => !this.legend.hidden.has(this.category[k]));
  }

  hover(px, py) {
    const at = px === undefined ? -1 : this.pick(px, py);
    this.plot.classList.toggle("over", at >= 0);
    if (at === this.hovered) return;
    this.hovered = at;
    if (at < 0) this.tooltip.hide();
    else {
      const place = this.view.toScreen(this.xy[2 * at], this.xy[2 * at + 1]), k = this.category[at];
      this.tooltip.show(place, this.view, { index: at, name: this.names[k], colour: this.palette[k], shape: shapeOf(k, this.shaped()), imageUrl: this.data.imageUrl });
    }
    this.ask(false);
  }

  report() {
    const some = this.gestures.length > 0, byCategory = some && this.category ? new Uint32Array(this.names.length) : null;
    if (byCategory) this.category.forEach((k, at) => { byCategory[k] += this.chosen[at]; });
    this.legend.setChosen(byCategory);
    this.readout.show(this.chosen.length, byCategory, this.legend.hidden);
  }

  say(state, text, retry = false) {
    const nothing = state === "ready" && !this.chosen.length;
    this.map.dataset.state = nothing ? "empty" : state;
    this.message.querySelector("p").textContent = nothing ? "This map has no points." : text;
    this.message.querySelector("button").hidden = !retry;
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.plot;
    if (!width || !height) return; // a hidden tab; the observer calls again when it is shown
    Object.assign(this.view, { width, height });
    this.ratio = window.devicePixelRatio || 1;
    for (const canvas of [this.scatter.canvas, this.overlay.canvas]) {
      Object.assign(canvas, { width: Math.round(width * this.ratio), height: Math.round(height * this.ratio) });
    }
    if (this.xy && !this.memory.view) this.view.fit(this.bounds);
    this.stale = true;
    this.paint();
  }

  // A repaint in the next frame; a line or a ring over the points leaves the points as they are drawn.
  ask(points = true) {
    this.stale ||= points;
    this.frame ??= requestAnimationFrame(() => this.paint());
  }

  // How many categories are distinguished by shape beside colour; the levels of a scale are not.
  shaped() {
    return this.data.scale ? 0 : this.data.names.length;
  }

  paint() {
    cancelAnimationFrame(this.frame);
    this.frame = undefined;
    if (!this.xy || !this.category || !this.ratio) return;
    if (this.ratio !== window.devicePixelRatio) return this.resize();
    const { theme, ratio, stroke, strokeMode, gestures } = this, size = pointSize(this.view, this.chosen.length);
    if (this.stale) this.scatter.draw(this.view, { size: size * ratio, page: theme.pageRgb, selecting: gestures.length > 0, focus: this.focus, shaped: this.shaped() });
    this.stale = false;
    const at = this.hovered;
    const hovered = at >= 0 && { x: this.xy[2 * at], y: this.xy[2 * at + 1], colour: this.palette[this.category[at]], radius: size / 2 };
    this.overlay.draw(this.view, { gestures, stroke, strokeMode, labels: this.memory.labels && this.labels, hovered, theme, ratio });
  }

  destroy() {
    cancelAnimationFrame(this.frame);
    this.fetching?.abort();
    this.sizes.disconnect();
    this.pointer.off.abort();
    this.tooltip.hide();
    this.scatter.dispose();
  }
}
