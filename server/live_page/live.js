"use strict";

// The page's whole state: the windows of the last hour, the currency shown, and what the stream last said.
const MINUTE = 60_000, HOUR = 60 * MINUTE;
const CHARTS = ["net_revenue", "orders", "refunds"];
const SVG = "http://www.w3.org/2000/svg";
const windows = new Map();
const pointed = new Map();
let chosen = null, watermark = 0, skew = 0, lag = null, heard = 0, drawing = false;

const by = (id) => document.getElementById(id);
const now = () => Date.now() + skew;
const clock = (time) => new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

function money(value, digits) {
  const options = { style: "currency", currency: chosen || "USD" };
  if (digits !== undefined) Object.assign(options, { minimumFractionDigits: 0, maximumFractionDigits: digits });
  try { return value.toLocaleString([], options); } catch { return `${value.toFixed(2)} ${chosen}`; }
}
const count = (value) => value.toLocaleString();
const write = (metric, value) => (metric === "orders" ? count(value) : money(value));

// The hour ends with the minute that runs now.
function minutes() {
  const last = Math.floor(now() / MINUTE) * MINUTE;
  return Array.from({ length: 60 }, (_, index) => last - (59 - index) * MINUTE);
}

function valueOf(time, metric) {
  const found = windows.get(`${time} ${chosen}`);
  return found ? Number(found.values[metric] ?? 0) : 0;
}

function niceTop(most, whole) {
  if (most <= 0) return whole ? 4 : 10;
  const rough = most / 4, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map((one) => one * power).find((one) => one >= rough) || rough;
  return 4 * (whole ? Math.ceil(step) : step);
}

function element(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return parent.appendChild(made);
}

function drawChart(metric, times) {
  const svg = by(`${metric}-chart`), width = svg.clientWidth, height = svg.clientHeight;
  const values = times.map((time) => valueOf(time, metric));
  const top = niceTop(Math.max(...values), metric === "orders");
  const label = (value) => (metric === "orders" ? count(value) : money(value, 2));
  const left = Math.max(...[0, top / 2, top].map((value) => label(value).length)) * 7.4 + 10;
  const inside = { left, right: width - 2, top: 10, bottom: height - 26 };
  const step = (inside.right - inside.left) / 60, tall = inside.bottom - inside.top;
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  for (const part of [0, 0.5, 1]) {
    const y = Math.round(inside.bottom - part * tall) + 0.5;
    element("line", { class: "grid", x1: inside.left, x2: inside.right, y1: y, y2: y }, svg);
    element("text", { x: inside.left - 8, y: y + 4, "text-anchor": "end" }, svg).textContent = label(top * part);
  }
  const every = width < 420 ? 20 : 10;
  times.forEach((time, index) => {
    const x = inside.left + index * step, minute = new Date(time).getMinutes();
    if (minute % every === 0 && x - inside.left > 14 && inside.right - x > 34) {
      element("text", { x: x + step / 2, y: height - 5, "text-anchor": "middle" }, svg).textContent = clock(time);
    }
    if (values[index] > 0) {
      const high = Math.max((values[index] / top) * tall, 1.5), open = time + MINUTE > watermark;
      const state = `bar${open ? " open" : ""}${pointed.get(metric) === index ? " at" : ""}`;
      element("rect", { class: state, x: x + step * 0.12, width: step * 0.76, y: inside.bottom - high, height: high, rx: Math.min(2, step / 5) }, svg);
    }
    const found = windows.get(`${time} ${chosen}`);
    if (found && found.late > 0) element("circle", { class: "late", cx: x + step / 2, cy: inside.bottom + 5, r: Math.min(2.5, step / 2.6) }, svg);
  });
  read(metric, times, values);
  svg.onpointermove = (event) => {
    const index = Math.floor((event.clientX - svg.getBoundingClientRect().left - inside.left) / step);
    point(metric, index >= 0 && index < 60 ? index : null);
  };
  svg.onpointerleave = () => point(metric, null);
}

function point(metric, index) {
  if ((pointed.get(metric) ?? null) === index) return;
  if (index === null) pointed.delete(metric); else pointed.set(metric, index);
  draw();
}

function read(metric, times, values) {
  const index = pointed.get(metric);
  const found = index === undefined ? null : windows.get(`${times[index]} ${chosen}`);
  const late = found && found.late > 0 ? ` · ${found.late} late` : "";
  by(`${metric}-reading`).textContent = index === undefined
    ? `now ${write(metric, values[59])}`
    : `${clock(times[index])} · ${write(metric, values[index])}${late}`;
}

function drawFigures(times) {
  const sum = (metric, some) => some.reduce((total, time) => total + valueOf(time, metric), 0);
  const orders = sum("orders", times), revenue = sum("net_revenue", times), refunds = sum("refunds", times);
  const recent = times.slice(-6, -1);
  if (!heard) return;
  by("orders").textContent = count(orders);
  by("net_revenue").textContent = money(revenue);
  by("refunds").textContent = money(refunds);
  by("average").textContent = orders ? money(revenue / orders) : "–";
  by("orders-rate").textContent = `${(sum("orders", recent) / 5).toLocaleString([], { maximumFractionDigits: 1 })} a minute`;
  by("net_revenue-rate").textContent = `${money(sum("net_revenue", recent) / 5)} a minute`;
  by("average-rate").textContent = "per order";
  by("refunds-rate").textContent = revenue ? `${((100 * refunds) / revenue).toFixed(1)} % of net revenue` : "";
}

function drawChoices() {
  const known = [...new Set([...windows.values()].map((one) => one.currency))].sort();
  if (!chosen && known.length) {
    const orders = (code) => [...windows.values()].reduce((sum, one) => sum + (one.currency === code ? Number(one.values.orders ?? 0) : 0), 0);
    chosen = known.reduce((best, code) => (orders(code) > orders(best) ? code : best));
  }
  const box = by("currencies");
  if (box.dataset.shown === `${known} ${chosen}`) return;
  box.dataset.shown = `${known} ${chosen}`;
  box.replaceChildren(...(known.length < 2 ? [] : known).map((code) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = code;
    button.setAttribute("aria-pressed", String(code === chosen));
    button.onclick = () => { chosen = code; draw(); };
    return button;
  }));
}

function drawState() {
  const silent = Date.now() - heard, state = by("state");
  const kind = !heard ? "waiting" : silent > 5000 ? "lost" : lag === null || lag > 5 ? "behind" : "live";
  const said = { waiting: "Connecting", lost: "Connection lost, trying again", live: "Live", behind: lag === null ? "The flow hasn't run yet" : `${Math.round(lag)} s behind` };
  state.dataset.state = kind;
  if (by("said").textContent !== said[kind]) by("said").textContent = said[kind];
  by("progress").textContent = watermark ? `Complete until ${new Date(watermark).toLocaleTimeString()}` : "";
}

function forget() {
  const oldest = now() - HOUR - 2 * MINUTE;
  for (const [key, one] of windows) if (one.time < oldest) windows.delete(key);
}

// However many windows arrive, the page is drawn once a frame.
function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    forget();
    drawChoices();
    const times = minutes();
    drawFigures(times);
    for (const metric of CHARTS) drawChart(metric, times);
    by("empty").hidden = !heard || windows.size > 0;
    drawState();
  });
}

function listen() {
  const source = new EventSource("/v1/live/stream");
  // The last hour comes first; the first beat says that it is whole.
  source.addEventListener("window", (event) => {
    const one = JSON.parse(event.data);
    one.time = Date.parse(one.time);
    windows.set(`${one.time} ${one.currency}`, one);
    if (heard) draw();
  });
  source.addEventListener("beat", (event) => {
    const said = JSON.parse(event.data);
    heard = Date.now();
    skew = Date.parse(said.now) - heard;
    lag = said.lag_seconds;
    if (said.watermark) watermark = Date.parse(said.watermark);
    draw();
  });
  // A browser gives up for good after some answers, such as 503.
  source.onerror = () => { if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000); };
}

setInterval(draw, 1000);
addEventListener("resize", draw);
draw();
listen();
