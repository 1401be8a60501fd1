// A flow of the plane from its own weights, in double precision: every layer, both ways, with its log-det.
// Layers stand in the order in which they are applied to noise, so layer number 0 is the last one of encode.

const floats = (view) => Float64Array.from({ length: view.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true));

// A ReLU network of one number is a broken line, exactly: straight between two kinks. To find the kinks once, one layer
// of the network after the other, spares every matrix product later. A piece holds each unit's slope and height at 0.
function brokenLine(widths, numbers) {
  let kinks = [], pieces = [{ slope: Float64Array.of(1), height: Float64Array.of(0) }];
  for (let l = 1; l < widths.length; l++) {
    const from = widths[l - 1], to = widths[l], weight = numbers(to * from), bias = numbers(to);
    if (l > 1) [kinks, pieces] = rectified(kinks, pieces);
    pieces = pieces.map((piece) => affine(weight, bias, piece));
  }
  return [Float64Array.from(kinks), pieces];
}

function affine(weight, bias, { slope, height }) {
  const to = bias.length, from = slope.length, out = { slope: new Float64Array(to), height: new Float64Array(to) };
  for (let u = 0, w = 0; u < to; u++) {
    let s = 0, h = bias[u];
    for (let v = 0; v < from; v++, w++) { s += weight[w] * slope[v]; h += weight[w] * height[v]; }
    out.slope[u] = s; out.height[u] = h;
  }
  return out;
}

// max(0, unit) for every unit: each piece is cut where one of its units changes sign.
function rectified(kinks, pieces) {
  const cuts = [], parts = [];
  pieces.forEach(({ slope, height }, i) => {
    const low = i ? kinks[i - 1] : -Infinity, high = i < kinks.length ? kinks[i] : Infinity, ends = [low];
    for (let u = 0; u < slope.length; u++) { const t = -height[u] / slope[u]; if (t > low && t < high) ends.push(t); }
    ends.sort((a, b) => a - b).push(high);
    for (let j = 0; j + 1 < ends.length; j++) {
      // a point well inside, also where a piece has no end
      const a = Math.max(ends[j], 2 * Math.min(0, ends[j + 1]) - 1);
      const middle = (a + Math.min(ends[j + 1], 2 * Math.max(0, ends[j]) + 1)) / 2;
      const on = (v, u) => (slope[u] * middle + height[u] > 0 ? v : 0);
      if (i || j) cuts.push(ends[j]);
      parts.push({ slope: slope.map(on), height: height.map(on) });
    }
  });
  return [cuts, parts];
}

// From what travels with the page (parts in encode order, their numbers one after the other) to layers.
function unpack(parts, view) {
  const all = floats(view);
  let used = 0;
  const numbers = (n) => all.subarray(used, (used += n));
  return parts.map((part) => {
    if (part.kind === "actnorm") {
      const scale = numbers(2).map(Math.exp), shift = numbers(2);
      return linear([scale[0], 0, 0, scale[1]], shift, part.inverse);
    }
    if (part.kind === "lu") {
      const [lower] = numbers(1), [upper] = numbers(1), s = numbers(2).map(Math.exp), sign = numbers(2);
      const [s0, s1] = s.map((v, i) => sign[i] * v);
      const rows = [[s0, upper], [lower * s0, lower * upper + s1]]; // L (U + diag(s))
      if (part.swap) rows.reverse();
      return linear(rows.flat(), [0, 0], part.inverse);
    }
    const [kinks, pieces] = brokenLine(part.widths, numbers), t = part.kind === "affine" ? 1 : 0; // outputs a, t; or t
    const lines = pieces.flatMap(({ slope, height }) => [t && slope[0], t && height[0], slope[t], height[t]]);
    return { keep: part.keep, inverse: part.inverse, kinks, lines: Float64Array.from(lines), piece: 0 };
  }).reverse();
}

// z = W x + b, kept as the way to data: x = M z + d. An inverse changes the two directions.
function linear([a, b, c, d], [p, q], inverse) {
  const det = a * d - b * c;
  if (inverse) return { M: [a, b, c, d], d: [p, q] };
  return { M: [d / det, -b / det, -c / det, a / det], d: [(b * q - d * p) / det, (c * p - a * q) / det] };
}

// What a coupling does to the moved number, given the kept one, on the way to data: scale, shift, log-scale.
const found = new Float64Array(3);
function conditioned(layer, kept, share) {
  const { kinks, lines } = layer;
  let i = layer.piece; // neighbours often share a piece: try the last one first
  if ((i > 0 && kinks[i - 1] > kept) || (i < kinks.length && kinks[i] < kept)) {
    let high = kinks.length;
    for (i = 0; i < high;) {
      const middle = (i + high) >> 1;
      if (kinks[middle] < kept) i = middle + 1; else high = middle;
    }
    layer.piece = i;
  }
  const t = lines[4 * i + 2] * kept + lines[4 * i + 3];
  const log = 2 - 4 / (Math.exp(lines[4 * i] * kept + lines[4 * i + 1]) + 1); // = 2 tanh(a / 2), and faster
  const forth = layer.inverse ? log : -log, scale = Math.exp(forth), shift = layer.inverse ? t : -t * scale;
  found[0] = share === 1 ? scale : 1 - share + share * scale;
  found[1] = share * shift;
  found[2] = share === 1 ? forth : Math.log(found[0]);
}

// Points [x0, y0, x1, y1, ...] through one layer, in place, to data or to noise. ladj gets log|det dz/dx| of the layer,
// the log-det of encode, in either direction. A share s of a layer is (1 - s) h + s f^-1(h), the straight slide between
// two stops: for a coupling it is a coupling again, so even on the way the density is exact.
function pass(layer, toData, points, ladj, share) {
  if (layer.M) {
    const [a, b, c, d] = layer.M.map((v, i) => share * v + (i % 3 ? 0 : 1 - share)); // (1 - share) I + share M
    const [p, q] = layer.d.map((v) => share * v), det = a * d - b * c;
    for (let i = 0; i < points.length; i += 2) {
      const x = points[i], y = points[i + 1], u = x - p, v = y - q;
      points[i] = toData ? a * x + b * y + p : (d * u - b * v) / det;
      points[i + 1] = toData ? c * x + d * y + q : (a * v - c * u) / det;
      ladj[i >> 1] -= Math.log(Math.abs(det));
    }
    return;
  }
  for (let i = 0, k = layer.keep, m = 1 - k; i < ladj.length; i++, k += 2, m += 2) {
    conditioned(layer, points[k], share);
    points[m] = toData ? found[0] * points[m] + found[1] : (points[m] - found[1]) / found[0];
    ladj[i] -= found[2];
  }
}

// From noise to a place between stop 0 (noise) and stop L (data), and back: new points, and the log-dets' sum.
function onward(layers, start, place = layers.length) {
  const points = Float64Array.from(start), ladj = new Float64Array(points.length / 2);
  for (let k = 0; k < place; k++) pass(layers[k], true, points, ladj, Math.min(1, place - k));
  return { points, ladj };
}
function back(layers, start, place = layers.length) {
  const points = Float64Array.from(start), ladj = new Float64Array(points.length / 2);
  for (let k = Math.ceil(place) - 1; k >= 0; k--) pass(layers[k], false, points, ladj, Math.min(1, place - k));
  return { points, ladj };
}

const logNormal = (x, y) => -0.5 * (x * x + y * y) - Math.log(2 * Math.PI);

// The density at a place on rows from to to - 1 of n x n pixels over a window, row 0 on top: each pixel goes back to z.
function density(layers, place, { x, y, half }, n, into = new Float32Array(n * n), from = 0, to = n) {
  const centre = (i) => ((2 * i + 1) / n - 1) * half;
  const pixels = new Float64Array(2 * n * (to - from));
  for (let r = from, i = 0; r < to; r++) for (let c = 0; c < n; c++) {
    pixels[i++] = x + centre(c);
    pixels[i++] = y - centre(r);
  }
  const { points: z, ladj } = back(layers, pixels, place);
  for (let i = 0; i < ladj.length; i++) into[from * n + i] = Math.exp(logNormal(z[2 * i], z[2 * i + 1]) + ladj[i]);
  return into;
}

// The stops of one point and each layer's log-det there; its log-density at stop k is base + the first k of them.
function journey(layers, z) {
  const stops = [[...z]], ladjs = [];
  for (let k = 0; k < layers.length; k++) {
    const point = Float64Array.from(stops[k]), ladj = new Float64Array(1);
    pass(layers[k], true, point, ladj, 1);
    stops.push([...point]); ladjs.push(ladj[0]);
  }
  return { stops, ladjs, base: logNormal(...z) };
}
