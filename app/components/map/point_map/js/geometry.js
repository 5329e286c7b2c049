// Plane geometry: the view, point in polygon, thinning of a drawn line, the nearest point.

class View {
  // Data coordinates with y up; screen in CSS pixels with y down. `scale` is pixels per data unit.
  constructor() {
    Object.assign(this, { x: 0, y: 0, scale: 1, fitted: 1, width: 1, height: 1 });
  }

  toScreen(x, y) {
    return [this.width / 2 + (x - this.x) * this.scale, this.height / 2 - (y - this.y) * this.scale];
  }

  toData(px, py) {
    return [this.x + (px - this.width / 2) / this.scale, this.y - (py - this.height / 2) / this.scale];
  }

  fit({ x0, y0, x1, y1 }) {
    // The buttons over the plot reach 46 pixels down.
    const [side, end] = [Math.min(56, this.width / 8), Math.min(56, this.height / 5)];
    const across = Math.max(x1 - x0, 1e-9 * Math.max(1, Math.abs(x0)));
    const up = Math.max(y1 - y0, 1e-9 * Math.max(1, Math.abs(y0)));
    this.fitted = Math.min((this.width - 2 * side) / across, (this.height - 2 * end) / up);
    Object.assign(this, { x: (x0 + x1) / 2, y: (y0 + y1) / 2, scale: this.fitted });
  }

  zoomAt(px, py, factor) {
    const [x, y] = this.toData(px, py);
    this.scale = Math.min(Math.max(this.scale * factor, this.fitted / 8), this.fitted * 4000);
    this.x = x - (px - this.width / 2) / this.scale;
    this.y = y + (py - this.height / 2) / this.scale;
  }

  pan(dx, dy) {
    this.x -= dx / this.scale;
    this.y += dy / this.scale;
  }
}

function boundsOf(xy) {
  const box = { x0: Infinity, y0: Infinity, x1: -Infinity, y1: -Infinity };
  for (let k = 0; k < xy.length; k += 2) {
    if (xy[k] === NOWHERE) continue;
    if (xy[k] < box.x0) box.x0 = xy[k];
    if (xy[k] > box.x1) box.x1 = xy[k];
    if (xy[k + 1] < box.y0) box.y0 = xy[k + 1];
    if (xy[k + 1] > box.y1) box.y1 = xy[k + 1];
  }
  return box.x0 <= box.x1 ? box : { x0: 0, y0: 0, x1: 1, y1: 1 };
}

// The edges of a polygon by the bands of height that they cross: a point is compared with those of its own band only,
// a few of hundreds, since a million points wait for it.
class Bands {
  constructor(polygon) {
    this.box = boundsOf(Float64Array.from(polygon.flat()));
    const bands = Array.from({ length: 2 * polygon.length }, () => []);
    this.scale = bands.length / (this.box.y1 - this.box.y0 || 1);
    this.last = bands.length - 1;
    for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
      const [low, high] = polygon[i][1] < polygon[j][1] ? [polygon[i], polygon[j]] : [polygon[j], polygon[i]];
      for (let band = this.band(low[1]); band <= this.band(high[1]); band++) bands[band].push(...low, ...high);
    }
    this.edges = bands.map((edges) => Float64Array.from(edges));
  }

  // Never falls while y rises, so that every height of an edge lies in one of its bands.
  band(y) {
    return Math.min(this.last, Math.floor((y - this.box.y0) * this.scale));
  }

  // Even-odd rule, the same comparisons as comus_core.workspace.selection_shapes.
  hold(x, y) {
    const { x0, y0, x1, y1 } = this.box;
    if (!(x >= x0 && x <= x1 && y >= y0 && y <= y1)) return false;
    const edges = this.edges[this.band(y)];
    let inside = false;
    for (let e = 0; e < edges.length; e += 4) {
      const lowX = edges[e], lowY = edges[e + 1], highX = edges[e + 2], highY = edges[e + 3];
      if (lowY <= y && y < highY && (highX - lowX) * (y - lowY) > (x - lowX) * (highY - lowY)) inside = !inside;
    }
    return inside;
  }
}

// One byte a point, 1 where the gestures, applied in order, choose it.
function applyGestures(xy, gestures) {
  const chosen = new Uint8Array(xy.length / 2);
  for (const { polygon, mode } of gestures) {
    if (mode === "replace") chosen.fill(0);
    const bands = new Bands(polygon), value = mode === "subtract" ? 0 : 1;
    for (let k = 0; k < chosen.length; k++) if (bands.hold(xy[2 * k], xy[2 * k + 1])) chosen[k] = value;
  }
  return chosen;
}

// A line drawn on the screen as a polygon in data coordinates: few corners, and no digits finer than a 64th of a pixel.
const THIN_PIXELS = 0.75;

function dataPolygon(path, view) {
  const digits = Math.max(0, Math.min(12, Math.ceil(Math.log10(view.scale * 64))));
  return thinned(path, THIN_PIXELS).map(([px, py]) => view.toData(px, py).map((v) => Number(v.toFixed(digits))));
}

// Douglas and Peucker: drop corners that lie within `tolerance` pixels of the line through their neighbours.
function thinned(path, tolerance) {
  const keep = new Uint8Array(path.length);
  keep[0] = keep[path.length - 1] = 1;
  const open = [[0, path.length - 1]];
  while (open.length) {
    const [first, last] = open.pop();
    let worst = tolerance, at = -1;
    for (let k = first + 1; k < last; k++) {
      const away = distanceToSegment(path[k], path[first], path[last]);
      if (away > worst) [worst, at] = [away, k];
    }
    if (at > 0) { keep[at] = 1; open.push([first, at], [at, last]); }
  }
  return path.filter((_, k) => keep[k]);
}

function distanceToSegment([x, y], [ax, ay], [bx, by]) {
  const length = (bx - ax) ** 2 + (by - ay) ** 2;
  const along = length ? Math.max(0, Math.min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length)) : 0;
  return Math.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay));
}

class GridIndex {
  // Points sorted by square cell, about three a cell, so that the nearest one is found without a scan.
  constructor(xy, bounds) {
    const count = xy.length / 2;
    this.xy = xy;
    this.bounds = bounds;
    this.cell = Math.max(Math.sqrt(((bounds.x1 - bounds.x0) * (bounds.y1 - bounds.y0) * 3) / Math.max(count, 1)),
      (bounds.x1 - bounds.x0) / 1024, (bounds.y1 - bounds.y0) / 1024) || 1;
    this.columns = Math.floor((bounds.x1 - bounds.x0) / this.cell) + 1;
    this.rows = Math.floor((bounds.y1 - bounds.y0) / this.cell) + 1;
    this.start = new Uint32Array(this.columns * this.rows + 1);
    const cells = new Int32Array(count).fill(-1);
    for (let k = 0; k < count; k++) {
      if (xy[2 * k] === NOWHERE) continue;
      cells[k] = this.column(xy[2 * k]) + this.columns * this.row(xy[2 * k + 1]);
      this.start[cells[k] + 1]++;
    }
    for (let c = 0; c < this.columns * this.rows; c++) this.start[c + 1] += this.start[c];
    this.members = new Uint32Array(this.start[this.columns * this.rows]);
    const next = this.start.slice();
    for (let k = 0; k < count; k++) if (cells[k] >= 0) this.members[next[cells[k]]++] = k;
  }

  column(x) { return Math.max(0, Math.min(this.columns - 1, Math.floor((x - this.bounds.x0) / this.cell))); }
  row(y) { return Math.max(0, Math.min(this.rows - 1, Math.floor((y - this.bounds.y0) / this.cell))); }

  // The index of the nearest accepted point within `radius` data units, or -1.
  nearest(x, y, radius, accepts) {
    let best = -1, least = radius * radius;
    for (let row = this.row(y - radius); row <= this.row(y + radius); row++) {
      for (let column = this.column(x - radius); column <= this.column(x + radius); column++) {
        const cell = row * this.columns + column;
        for (let m = this.start[cell]; m < this.start[cell + 1]; m++) {
          const k = this.members[m];
          const away = (this.xy[2 * k] - x) ** 2 + (this.xy[2 * k + 1] - y) ** 2;
          if (away <= least && accepts(k)) [best, least] = [k, away];
        }
      }
    }
    return best;
  }
}
