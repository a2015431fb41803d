(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const hidden = new Set(), settings = { axis: "step", log: false, smooth: 0 };
  const svgName = "http://www.w3.org/2000/svg";
  const left = 62, right = 12, top = 10, bottom = 30, width = 560, height = 250;
  const charts = [];

  const svg = (tag, attributes, text) => {
    const element = document.createElementNS(svgName, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const number = (value) => {
    if (value === null) return "not a number";
    const size = Math.abs(value);
    return size && (size < 1e-3 || size >= 1e6) ? value.toExponential(3) : String(Number(value.toPrecision(6)));
  };

  /* --- scales ------------------------------------------------------------------------------------------------------ */

  /* Round numbers between `low` and `high`, about `most` of them. */
  const ticks = (low, high, most) => {
    const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((times) => times * power).find((one) => one >= rough) || rough;
    const found = [];
    for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-9; at += step) found.push(Math.abs(at) < step * 1e-9 ? 0 : at);
    return found;
  };
  const powers = (low, high) => {
    const found = [], first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
    const every = Math.max(1, Math.ceil((last - first) / 6));
    for (let at = first; at <= last; at += every) if (10 ** at >= low * 0.999 && 10 ** at <= high * 1.001) found.push(10 ** at);
    return found.length > 1 ? found : [low, high];
  };
  const spread = (values) => {
    let low = Infinity, high = -Infinity;
    for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
    if (low > high) return [0, 1];
    return low === high ? [low - (Math.abs(low) * 0.1 || 1), high + (Math.abs(high) * 0.1 || 1)] : [low, high];
  };

  /* Each value is a mean of those before it, the nearer the more; what is no number is passed by. */
  const smoothed = (values, weight) => {
    let mean = 0, scale = 0;
    return values.map((value) => {
      if (value === null) return null;
      mean = mean * weight + (1 - weight) * value;
      scale = scale * weight + (1 - weight);
      return mean / scale;
    });
  };

  /* --- one chart --------------------------------------------------------------------------------------------------- */

  const chart = (figure) => {
    const curve = data.curves[figure.dataset.curve], place = figure.querySelector("svg"), said = figure.querySelector("output");
    let lines = [], grid = [], toX, toY, at = -1;

    const draw = () => {
      at = -1;
      lines = curve.lines.filter((line) => !hidden.has(line.run)).map((line) => {
        const order = line[settings.axis].map((_, i) => i);
        if (settings.axis === "time") order.sort((a, b) => line.time[a] - line.time[b]);
        const values = order.map((i) => line.value[i]);
        return { run: line.run, x: order.map((i) => line[settings.axis][i]), raw: values, y: smoothed(values, settings.smooth) };
      });
      const fits = (value) => value !== null && (!settings.log || value > 0);
      const [x0, x1] = spread(lines.flatMap((line) => line.x));
      let [y0, y1] = spread(lines.flatMap((line) => [...line.raw, ...line.y].filter(fits)));
      if (settings.log) { y0 = y0 > 0 ? y0 : y1 / 10; } else { const pad = (y1 - y0) * 0.05; y0 -= pad; y1 += pad; }
      toX = (x) => left + (x - x0) / (x1 - x0) * (width - left - right);
      const scale = settings.log ? Math.log10 : (y) => y, base = scale(y0), range = scale(y1) - base || 1;
      toY = (y) => height - bottom - (scale(y) - base) / range * (height - top - bottom);
      place.replaceChildren();
      for (const tick of settings.log ? powers(y0, y1) : ticks(y0, y1, 5)) {
        place.append(svg("line", { class: "grid", x1: left, x2: width - right, y1: toY(tick), y2: toY(tick) }),
          svg("text", { x: left - 8, y: toY(tick) + 4, "text-anchor": "end" }, number(tick)));
      }
      for (const tick of ticks(x0, x1, 6)) {
        place.append(svg("text", { x: toX(tick), y: height - 10, "text-anchor": "middle" }, number(tick) + (settings.axis === "time" ? " s" : "")));
      }
      const path = (xs, ys) => {
        let text = "", pen = false;
        xs.forEach((x, i) => {
          if (!fits(ys[i])) { pen = false; return; }
          text += (pen ? "L" : "M") + toX(x).toFixed(1) + " " + toY(ys[i]).toFixed(1);
          pen = true;
        });
        return text;
      };
      for (const line of lines) {
        const stroke = data.colors[line.run];
        if (settings.smooth) place.append(svg("path", { class: "curve faint", stroke, d: path(line.x, line.raw) }));
        place.append(svg("path", { class: "curve", stroke, d: path(line.x, line.y) }));
        if (line.x.length === 1 && fits(line.y[0])) place.append(svg("circle", { r: 3.5, fill: stroke, cx: toX(line.x[0]), cy: toY(line.y[0]) }));
      }
      grid = [...new Set(lines.flatMap((line) => line.x))].sort((a, b) => a - b);
      said.replaceChildren();
    };

    const nearest = (xs, x) => {
      let best = 0;
      xs.forEach((one, i) => { if (Math.abs(one - x) < Math.abs(xs[best] - x)) best = i; });
      return best;
    };
    /* Read off all lines at the x that stands at place `to` of the grid. */
    const read = (to) => {
      place.querySelectorAll(".cross").forEach((one) => one.remove());
      said.replaceChildren();
      if (!grid.length) return;
      at = Math.max(0, Math.min(grid.length - 1, to));
      const x = grid[at];
      place.append(svg("line", { class: "cross", x1: toX(x), x2: toX(x), y1: top, y2: height - bottom }));
      const head = document.createElement("b");
      head.textContent = settings.axis === "time" ? number(x) + " s" : "step " + number(x);
      said.append(head);
      for (const line of lines) {
        const i = nearest(line.x, x), item = document.createElement("span"), dot = document.createElement("i"), value = document.createElement("b");
        if (!line.x.length || x < line.x[0] || x > line.x[line.x.length - 1]) continue;
        dot.style.background = data.colors[line.run];
        value.textContent = number(line.raw[i]);
        item.append(dot, data.runs[line.run] + " ", value);
        said.append(item);
      }
    };
    const pointed = (event) => {
      const box = place.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * width;
      read(nearest(grid.map(toX), x));
    };
    place.addEventListener("pointermove", pointed);
    place.addEventListener("pointerdown", pointed);
    place.addEventListener("pointerleave", () => { place.querySelectorAll(".cross").forEach((one) => one.remove()); said.replaceChildren(); at = -1; });
    place.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: grid.length - 1, PageUp: at - 10, PageDown: at + 10 };
      if (!(event.key in steps)) return;
      event.preventDefault();
      read(steps[event.key]);
    });
    draw();
    return draw;
  };

  /* --- controls ---------------------------------------------------------------------------------------------------- */

  const redraw = () => charts.forEach((draw) => draw());
  const press = (button, on) => button.setAttribute("aria-pressed", on);
  const turn = (button) => {
    const on = button.getAttribute("aria-pressed") !== "true";
    press(button, on);
    return on;
  };
  document.querySelectorAll("figure[data-curve]").forEach((figure) => charts.push(chart(figure)));
  document.querySelectorAll(".run").forEach((button) => button.addEventListener("click", () => {
    const run = Number(button.dataset.run), on = turn(button);
    if (on) hidden.delete(run); else hidden.add(run);
    document.querySelectorAll(`[data-column="${run}"],[data-line="${run}"]`).forEach((one) => { one.hidden = !on; });
    redraw();
  }));
  document.querySelectorAll("[data-axis]").forEach((button) => button.addEventListener("click", () => {
    settings.axis = button.dataset.axis;
    document.querySelectorAll("[data-axis]").forEach((one) => press(one, one === button));
    redraw();
  }));
  const log = document.getElementById("log"), smooth = document.getElementById("smooth");
  if (log) log.addEventListener("click", () => { settings.log = turn(log); redraw(); });
  if (smooth) smooth.addEventListener("input", () => { settings.smooth = Number(smooth.value) / 100; redraw(); });
  const same = document.getElementById("same");
  if (!document.querySelector("tr.same")) same.hidden = true;
  same.addEventListener("click", () => document.body.classList.toggle("whole", turn(same)));
  document.getElementById("theme").addEventListener("click", () => {
    const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = root.dataset.theme || (dark ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
  });

  /* --- tables that are sorted -------------------------------------------------------------------------------------- */

  document.querySelectorAll("table.lines").forEach((table) => {
    const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
    heads.forEach((head, column) => {
      const button = head.querySelector(".sort");
      if (!button) return;
      button.addEventListener("click", () => {
        const way = head.getAttribute("aria-sort") === "descending" ? 1 : -1;
        heads.forEach((one) => one.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
        const key = (row) => row.cells[column].dataset.sort;
        const compare = (a, b) => {
          if (a === "" || b === "") return (a === "") - (b === "");
          const gap = Number(a) - Number(b);
          return way * (Number.isNaN(gap) ? a.localeCompare(b) : gap);
        };
        [...body.rows].sort((a, b) => compare(key(a), key(b))).forEach((row) => body.append(row));
      });
    });
  });
})();
