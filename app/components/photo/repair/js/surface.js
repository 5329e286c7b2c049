// The image with the mask over it: a canvas of the image's size for the mask, and one of the page's for cursor and polygon.
class Surface {
  constructor(frame, mask, colour) {
    Object.assign(this, { frame, mask, zoom: 1 });
    this.stack = frame.querySelector(".stack");
    this.layer = frame.querySelector(".mask");
    this.guides = frame.querySelector(".guides");
    this.layer.width = mask.width;
    this.layer.height = mask.height;
    this.context = this.layer.getContext("2d");
    this.image = this.context.createImageData(mask.width, mask.height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    const [r, g, b] = [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16));
    this.ink = ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
    this.redraw({ left: 0, top: 0, width: mask.width, height: mask.height });
  }

  // Draws a part of the mask again.
  redraw(box) {
    if (!box || box.width <= 0 || box.height <= 0) return;
    const { bytes, width } = this.mask;
    for (let y = box.top; y < box.top + box.height; y++) {
      for (let at = y * width + box.left, end = at + box.width; at < end; at++) this.pixels[at] = bytes[at] ? this.ink : 0;
    }
    this.context.putImageData(this.image, 0, 0, box.left, box.top, box.width, box.height);
  }

  zoomTo(zoom) {
    const { frame } = this, before = this.zoom;
    const middle = [frame.scrollLeft + frame.clientWidth / 2, frame.scrollTop + frame.clientHeight / 2];
    this.zoom = Math.min(8, Math.max(1, zoom));
    this.stack.style.width = `${100 * this.zoom}%`;
    frame.scrollLeft = (middle[0] * this.zoom) / before - frame.clientWidth / 2;
    frame.scrollTop = (middle[1] * this.zoom) / before - frame.clientHeight / 2;
    return this.zoom;
  }

  // The place of a pointer event in pixels of the image.
  place(event) {
    const box = this.layer.getBoundingClientRect();
    return [((event.clientX - box.left) * this.mask.width) / box.width, ((event.clientY - box.top) * this.mask.height) / box.height];
  }

  scrollTo([x, y]) {
    const { frame, layer } = this, px = (x * layer.clientWidth) / this.mask.width, py = (y * layer.clientHeight) / this.mask.height;
    if (px < frame.scrollLeft || px > frame.scrollLeft + frame.clientWidth) frame.scrollLeft = px - frame.clientWidth / 2;
    if (py < frame.scrollTop || py > frame.scrollTop + frame.clientHeight) frame.scrollTop = py - frame.clientHeight / 2;
  }

  // The outline of the brush, and the polygon so far.
  guide(cursor, radius, corners) {
    const { guides, layer } = this, ratio = window.devicePixelRatio || 1, scale = (layer.clientWidth / this.mask.width) * ratio;
    const width = Math.round(layer.clientWidth * ratio), height = Math.round(layer.clientHeight * ratio);
    if (guides.width !== width || guides.height !== height) Object.assign(guides, { width, height });
    const context = guides.getContext("2d");
    context.clearRect(0, 0, width, height);
    const path = new Path2D();
    corners.forEach(([x, y], k) => (k ? path.lineTo(x * scale, y * scale) : path.moveTo(x * scale, y * scale)));
    if (corners.length && cursor) path.lineTo(cursor[0] * scale, cursor[1] * scale);
    for (const [x, y] of corners) path.rect(x * scale - 3 * ratio, y * scale - 3 * ratio, 6 * ratio, 6 * ratio);
    if (cursor && radius) {
      path.moveTo((cursor[0] + radius) * scale, cursor[1] * scale);
      path.arc(cursor[0] * scale, cursor[1] * scale, radius * scale, 0, 2 * Math.PI);
    } else if (cursor) {
      for (const [dx, dy] of [[9, 0], [0, 9]]) {
        path.moveTo(cursor[0] * scale - dx * ratio, cursor[1] * scale - dy * ratio);
        path.lineTo(cursor[0] * scale + dx * ratio, cursor[1] * scale + dy * ratio);
      }
    }
    for (const [line, colour] of [[3, "rgb(0 0 0 / 0.75)"], [1.25, "#fff"]]) {
      context.lineWidth = line * ratio;
      context.strokeStyle = colour;
      context.stroke(path);
    }
  }
}
