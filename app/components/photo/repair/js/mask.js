// A mask of width × height bytes, row by row, with undo. No page here.
const MOST_BYTES = 48 * 2 ** 20; // of pixels that undo remembers

class Mask {
  constructor(width, height) {
    Object.assign(this, { width, height, bytes: new Uint8Array(width * height), area: 0, open: null });
    this.clearHistory();
  }

  clearHistory() {
    this.done = [];
    this.undone = [];
  }

  // Lengths of its runs by columns, outside first, in base 36.
  toRuns() {
    const { bytes, width, height } = this, runs = [];
    let inside = 0, length = 0;
    for (let x = 0; x < width; x++) {
      for (let y = 0, at = x; y < height; y++, at += width) {
        if (bytes[at] !== inside) {
          runs.push(length.toString(36));
          inside = bytes[at];
          length = 0;
        }
        length++;
      }
    }
    runs.push(length.toString(36));
    return runs.join(" ");
  }

  // Replaces all pixels; a step that undo takes back if `step`.
  setRuns(text, step) {
    const bytes = new Uint8Array(this.bytes.length), { width, height } = this;
    let at = 0, inside = false;
    for (const word of text.split(" ")) {
      const end = Math.min(at + parseInt(word, 36), bytes.length);
      if (inside) for (let k = at; k < end; k++) bytes[(k % height) * width + Math.floor(k / height)] = 1;
      at = end;
      inside = !inside;
    }
    if (step) {
      this.begin();
      this._touch(0, 0, width, height);
    }
    this.bytes.set(bytes);
    this.area = bytes.reduce((sum, byte) => sum + byte, 0);
    return step ? this.commit() : null;
  }

  // Between `begin` and `commit` lies one step of undo.
  begin() {
    this.open = { before: this.bytes.slice(), left: this.width, top: this.height, right: 0, bottom: 0 };
  }

  commit() {
    const { before, left, top, right, bottom } = this.open;
    this.open = null;
    if (right <= left || bottom <= top) return null;
    const box = { left, top, width: right - left, height: bottom - top };
    const patch = { ...box, before: this._cut(before, box), after: this._cut(this.bytes, box) };
    if (patch.before.every((byte, k) => byte === patch.after[k])) return null;
    this.done.push(patch);
    this.undone = [];
    let size = 0;
    const first = this.done.findLastIndex((entry) => (size += 2 * entry.before.length) > MOST_BYTES);
    if (first >= 0) this.done.splice(0, Math.min(first + 1, this.done.length - 1));
    return box;
  }

  undo() {
    return this._step(this.done, this.undone, "before");
  }

  redo() {
    return this._step(this.undone, this.done, "after");
  }

  // All pixels whose centres are at most `radius` from the line between two points: a round brush.
  stroke([x0, y0], [x1, y1], radius, value) {
    const left = Math.max(0, Math.floor(Math.min(x0, x1) - radius)), right = Math.min(this.width, Math.ceil(Math.max(x0, x1) + radius) + 1);
    const top = Math.max(0, Math.floor(Math.min(y0, y1) - radius)), bottom = Math.min(this.height, Math.ceil(Math.max(y0, y1) + radius) + 1);
    const dx = x1 - x0, dy = y1 - y0, length = dx * dx + dy * dy, most = radius * radius;
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const px = x + 0.5 - x0, py = y + 0.5 - y0;
        const share = length ? Math.min(1, Math.max(0, (px * dx + py * dy) / length)) : 0;
        const ex = px - share * dx, ey = py - share * dy;
        if (ex * ex + ey * ey <= most) this._set(y * this.width + x, value);
      }
    }
    return this._touch(left, top, right, bottom);
  }

  // All pixels whose centres are inside a polygon, by the even-odd rule.
  fill(corners, value) {
    const ys = corners.map(([, y]) => y);
    const top = Math.max(0, Math.floor(Math.min(...ys))), bottom = Math.min(this.height, Math.ceil(Math.max(...ys)));
    for (let y = top; y < bottom; y++) {
      const crossings = [];
      corners.forEach(([x0, y0], k) => {
        const [x1, y1] = corners[(k + 1) % corners.length], middle = y + 0.5;
        if (y0 <= middle !== y1 <= middle) crossings.push(x0 + ((middle - y0) * (x1 - x0)) / (y1 - y0));
      });
      crossings.sort((a, b) => a - b);
      for (let k = 0; k + 1 < crossings.length; k += 2) {
        const first = Math.max(0, Math.ceil(crossings[k] - 0.5)), last = Math.min(this.width, Math.ceil(crossings[k + 1] - 0.5));
        for (let x = first; x < last; x++) this._set(y * this.width + x, value);
      }
    }
    return this._touch(0, top, this.width, bottom);
  }

  _set(at, value) {
    this.area += value - this.bytes[at];
    this.bytes[at] = value;
  }

  _touch(left, top, right, bottom) {
    const open = this.open;
    Object.assign(open, {
      left: Math.min(open.left, left), top: Math.min(open.top, top), right: Math.max(open.right, right), bottom: Math.max(open.bottom, bottom),
    });
    return { left, top, width: right - left, height: bottom - top };
  }

  _cut(bytes, { left, top, width, height }) {
    const part = new Uint8Array(width * height);
    for (let y = 0; y < height; y++) {
      const at = (top + y) * this.width + left;
      part.set(bytes.subarray(at, at + width), y * width);
    }
    return part;
  }

  _step(from, to, which) {
    const patch = from.pop();
    if (!patch) return null;
    to.push(patch);
    for (let y = 0; y < patch.height; y++) {
      for (let x = 0; x < patch.width; x++) this._set((patch.top + y) * this.width + patch.left + x, patch[which][y * patch.width + x]);
    }
    return patch;
  }
}
