// The points on the graphics card: positions go up once; categories, palette and selection are small buffers beside.
const VERTEX = `#version 300 es
in vec2 place;
in uint category;
in uint chosen;
uniform vec2 centre, stretch;
uniform float size;
uniform int wanted;  // -1 every point, else only those with this value of chosen
uniform int focus;  // of which category: -1 all, k only category k, -2 - k all but it
uniform int shaped;  // so many categories have a shape as well, ten after ten another; what comes behind is round
uniform sampler2D palette;
flat out vec4 colour;
flat out int shape;
void main() {
  shape = int(category) < shaped ? (int(category) / 10) % 4 : 0;
  colour = texelFetch(palette, ivec2(int(category) & 255, int(category) >> 8), 0);
  bool meant = focus == -1 || (focus >= 0 ? int(category) == focus : int(category) != -2 - focus);
  bool shown = colour.a > 0.0 && meant && (wanted < 0 || int(chosen) == wanted);
  gl_Position = shown ? vec4((place - centre) * stretch, 0.0, 1.0) : vec4(2.0, 2.0, 2.0, 1.0);
  gl_PointSize = size;
}`;
const FRAGMENT = `#version 300 es
precision highp float;
flat in vec4 colour;
flat in int shape;
uniform float size, opacity, rim, fade;
uniform vec3 page;
out vec4 pixel;
// Half the size at the shape's edge: a disc, a square, a diamond, a triangle.
float away_of(vec2 at) {
  vec2 side = abs(at);
  if (shape == 1) return max(side.x, side.y) * 1.16;
  if (shape == 2) return (side.x + side.y) * 1.04;
  if (shape == 3) return max(side.x * 0.866 - at.y * 0.5, at.y) * 1.95;
  return length(at);
}
void main() {
  float away = away_of(gl_PointCoord - 0.5) * size;
  float cover = clamp(size * 0.5 - away, 0.0, 1.0);
  float edge = rim * smoothstep(size * 0.5 - 2.0, size * 0.5 - 1.0, away);
  float alpha = cover * opacity;
  if (alpha <= 0.0) discard;
  pixel = vec4(mix(colour.rgb, page, max(edge, fade)) * alpha, alpha);
}`;

const SHAPES = ["disc", "square", "diamond", "triangle"];
const SHAPED_FROM = 6; // device pixels; on smaller points no shape is seen

// The shape of a category, of so many that have one.
function shapeOf(k, shaped) {
  return SHAPES[k < shaped ? Math.floor(k / 10) % SHAPES.length : 0];
}

class Scatter {
  constructor(canvas, onRestored) {
    this.canvas = canvas;
    this.lost = (event) => event.preventDefault(); // asks the browser to bring the context back
    this.restored = () => { this.prepare(); onRestored(); };
    canvas.addEventListener("webglcontextlost", this.lost);
    canvas.addEventListener("webglcontextrestored", this.restored);
    this.held = { place: new Float32Array(), category: new Uint16Array(), chosen: new Uint8Array() };
    this.palette = new Uint8Array(4 * 256);
    this.gl = canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: true, powerPreference: "high-performance" });
    if (this.gl) this.prepare();
  }

  get works() { return this.gl !== null; }

  prepare() {
    const gl = this.gl;
    this.program = linked(gl, VERTEX, FRAGMENT);
    gl.useProgram(this.program);
    this.uniform = Object.fromEntries(["centre", "stretch", "size", "wanted", "focus", "shaped", "palette", "opacity", "rim", "fade", "page"]
      .map((name) => [name, gl.getUniformLocation(this.program, name)]));
    this.buffer = Object.fromEntries(Object.keys(this.held).map((name) => [name, gl.createBuffer()]));
    this.texture = gl.createTexture();
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    for (const name of Object.keys(this.held)) this.upload(name, this.held[name]);
    this.uploadPalette();
  }

  // `place` (2n float32), `category` (n uint16) or `chosen` (n uint8).
  upload(name, values) {
    const gl = this.gl;
    this.held[name] = values;
    if (gl.isContextLost()) return;
    const at = gl.getAttribLocation(this.program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer[name]);
    gl.bufferData(gl.ARRAY_BUFFER, values, name === "place" ? gl.STATIC_DRAW : gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(at);
    if (name === "place") gl.vertexAttribPointer(at, 2, gl.FLOAT, false, 0, 0);
    else gl.vertexAttribIPointer(at, 1, name === "category" ? gl.UNSIGNED_SHORT : gl.UNSIGNED_BYTE, 0, 0);
  }

  // One colour a category; hidden ones get alpha 0 and are not drawn.
  setPalette(colours, hidden) {
    this.palette = new Uint8Array(4 * 256 * Math.ceil(colours.length / 256));
    colours.forEach((hex, k) => this.palette.set([...rgbOf(hex), hidden.has(k) ? 0 : 255], 4 * k));
    if (!this.gl.isContextLost()) this.uploadPalette();
  }

  uploadPalette() {
    const gl = this.gl;
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, this.palette.length / 1024, 0, gl.RGBA, gl.UNSIGNED_BYTE, this.palette);
  }

  // `look`: point size in device pixels, the page's colour, whether a selection dims the rest, the one category that is
  // to stand out (-1 for none), and how many categories have a shape.
  draw(view, { size, page, selecting, focus, shaped }) {
    const gl = this.gl, count = this.held.place.length / 2;
    if (gl.isContextLost() || this.held.category.length !== count || this.held.chosen.length !== count) return;
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(this.uniform.centre, view.x, view.y);
    gl.uniform2f(this.uniform.stretch, (2 * view.scale) / view.width, (2 * view.scale) / view.height);
    gl.uniform3f(this.uniform.page, ...page.map((v) => v / 255));
    gl.uniform1i(this.uniform.shaped, size < SHAPED_FROM ? 0 : shaped);
    gl.uniform1i(this.uniform.focus, -1);
    if (focus >= 0) {
      gl.uniform1i(this.uniform.focus, -2 - focus);
      this.pass(-1, size, 0.4, 0, 0.72);
      gl.uniform1i(this.uniform.focus, focus);
      return this.pass(-1, size * 1.2, 1, size > 6 ? 0.8 : 0);
    }
    if (!selecting) return this.pass(-1, size, size > 7 ? 0.92 : 0.85, size > 7 ? 0.75 : 0);
    this.pass(0, size, 0.4, 0, 0.74);
    this.pass(1, size * 1.15, 0.97, size > 6 ? 0.8 : 0);
  }

  pass(wanted, size, opacity, rim, fade = 0) {
    const gl = this.gl;
    gl.uniform1i(this.uniform.wanted, wanted);
    gl.uniform1f(this.uniform.size, size);
    gl.uniform1f(this.uniform.opacity, opacity);
    gl.uniform1f(this.uniform.rim, rim);
    gl.uniform1f(this.uniform.fade, fade);
    gl.drawArrays(gl.POINTS, 0, this.held.place.length / 2);
  }

  dispose() {
    this.canvas.removeEventListener("webglcontextlost", this.lost);
    this.canvas.removeEventListener("webglcontextrestored", this.restored);
    this.gl?.getExtension("WEBGL_lose_context")?.loseContext(); // browsers allow few contexts a page
  }
}

function linked(gl, ...sources) {
  const program = gl.createProgram();
  sources.forEach((source, k) => {
    const shader = gl.createShader(k ? gl.FRAGMENT_SHADER : gl.VERTEX_SHADER);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  });
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(program));
  return program;
}

function rgbOf(hex) {
  return [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
}

// CSS pixels: fewer points are larger, and zooming in makes them grow slowly.
function pointSize(view, count) {
  const grown = Math.min(Math.max(view.scale / view.fitted, 0.5), 60) ** 0.35;
  const small = Math.min(1, Math.min(view.width, view.height) / 480) ** 0.4;
  return Math.max(1.5, Math.min(22, Math.min(9.5, 34 / Math.max(1, count) ** 0.2) * grown * small));
}
