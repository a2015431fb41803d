"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const stage = $("stage"), world = $("view"), edgeLayer = $("edges"), panel = $("panel");
  const search = $("search"), found = $("found");
  const svgName = stage.namespaceURI;
  const items = data.items;
  const elements = [...$("items").children];
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const shows = { datasets: true, parameters: true };
  let drawn, lines = [], before = [], after = [], chosen = -1, picked = "", hits = [], active = -1;
  let camera = { x: 0, y: 0, k: 1 }, untouched = true;

  /* --- the camera: what part of the graph is seen -------------------------------------------------------------- */

  let gliding = 0;
  const paint = () => {
    world.setAttribute("transform", `translate(${camera.x} ${camera.y}) scale(${camera.k})`);
    const step = 22 * camera.k * (camera.k < 0.5 ? 4 : 1);
    stage.style.backgroundSize = `${step}px ${step}px`;
    stage.style.backgroundPosition = `${camera.x}px ${camera.y}px`;
  };
  const glide = (to) => {
    cancelAnimationFrame(gliding);
    untouched = false;
    if (calm.matches) { camera = to; paint(); return; }
    const from = { ...camera }, start = performance.now();
    const frame = (now) => {
      const t = Math.min(1, (now - start) / 320), s = 1 - (1 - t) ** 3;
      for (const key of ["x", "y", "k"]) camera[key] = from[key] + (to[key] - from[key]) * s;
      paint();
      if (t < 1) gliding = requestAnimationFrame(frame);
    };
    gliding = requestAnimationFrame(frame);
  };
  const least = () => Math.min(0.05, whole().k);
  const zoomed = (k, px, py) => {
    k = Math.max(least(), Math.min(4, k));
    const f = k / camera.k;
    return { k, x: px - (px - camera.x) * f, y: py - (py - camera.y) * f };
  };
  const free = () => {
    const wide = innerWidth > 760;
    const right = !panel.hidden && wide ? panel.offsetWidth + 30 : 0;
    const left = wide && innerWidth > 900 && $("legend").offsetWidth ? $("legend").offsetWidth + 30 : 0;
    return { left, top: 64, width: Math.max(80, innerWidth - right - left), height: Math.max(80, innerHeight - 64) };
  };
  const whole = () => {
    const room = free(), pad = 34;
    const k = Math.min(1.25, (room.width - pad) / Math.max(drawn.w, 1), (room.height - pad) / Math.max(drawn.h, 1));
    return { k, x: room.left + (room.width - drawn.w * k) / 2, y: room.top + (room.height - drawn.h * k) / 2 };
  };
  /* The first sight: all of it when that is legible, else as wide as fits, from the top. */
  const opening = () => {
    const all = whole(), room = free();
    if (all.k >= 0.55) return all;
    const k = Math.max(all.k, Math.min(0.85, (room.width - 34) / drawn.w), 0.4);
    const slack = room.width - drawn.w * k;
    return { k, x: room.left + (slack > 0 ? slack / 2 : 17), y: room.top + 12 };
  };
  const reveal = (at, force) => {
    const place = drawn.at[at];
    if (!place) return;
    const room = free(), k = force ? Math.max(camera.k, 0.75) : camera.k;
    const x = place[0] * camera.k + camera.x, y = place[1] * camera.k + camera.y;
    const seen = x > room.left + 60 && x < room.left + room.width - 60 && y > room.top + 24 && y < innerHeight - 40;
    if (seen && k === camera.k) return;
    glide({ k, x: room.left + room.width / 2 - place[0] * k, y: room.top + room.height / 2 - place[1] * k });
  };

  /* --- what is shown --------------------------------------------------------------------------------------------- */

  const show = (first) => {
    drawn = data.views[(shows.parameters ? "p" : "") + (shows.datasets ? "d" : "")];
    if (!first) stage.classList.add("moving");
    elements.forEach((element, at) => {
      const place = drawn.at[at];
      element.toggleAttribute("hidden", !place);
      if (!place) return;
      element.removeAttribute("transform");
      element.style.transform = `translate(${place[0]}px,${place[1]}px)`;
    });
    before = items.map(() => []);
    after = items.map(() => []);
    lines = drawn.edges.map(([source, target, order, path], at) => {
      const line = document.createElementNS(svgName, "path");
      line.setAttribute("class", order ? "edge order" : "edge");
      line.setAttribute("marker-end", "url(#tip)");
      line.setAttribute("d", path);
      after[source].push([target, at]);
      before[target].push([source, at]);
      return line;
    });
    edgeLayer.replaceChildren(...lines);
    if (!first) setTimeout(() => stage.classList.remove("moving"), calm.matches ? 0 : 380);
    if (chosen >= 0 && !drawn.at[chosen]) choose(-1);
    settle();
  };
  const toggle = (what) => {
    if ($(what).disabled) return;
    shows[what] = !shows[what];
    $(what).setAttribute("aria-pressed", shows[what]);
    show(false);
    glide(opening());
  };

  /* --- highlights ------------------------------------------------------------------------------------------------ */

  const light = (set, edges) => {
    stage.classList.toggle("focus", set !== null);
    elements.forEach((element, at) => element.classList.toggle("on", set !== null && set.has(at)));
    lines.forEach((line, at) => line.classList.toggle("on", edges !== null && edges.has(at)));
  };
  const kin = (at) => {
    const set = new Set([at]), edges = new Set();
    for (const next of [before, after]) {
      const seen = new Set([at]), work = [at];
      while (work.length) {
        for (const [other, edge] of next[work.pop()]) {
          edges.add(edge);
          if (!seen.has(other)) { seen.add(other); set.add(other); work.push(other); }
        }
      }
    }
    light(set, edges);
  };
  /* With nothing under the pointer: the search, the legend's choice, or the chosen item decide. */
  const settle = () => {
    const words = search.value.trim().toLowerCase();
    if (words) light(new Set(hits), new Set());
    else if (picked) {
      const [kind, value] = JSON.parse(picked);
      light(new Set(items.flatMap((item, at) => (item[kind] === value ? [at] : []))), new Set());
    } else if (chosen >= 0) kin(chosen);
    else light(null, null);
  };

  /* --- the panel ------------------------------------------------------------------------------------------------- */

  const make = (tag, className, text) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const part = (title, content) => { if (content) panel.append(make("h3", "", title), content); };
  const links = (indexes) => {
    if (!indexes || !indexes.length) return null;
    const list = make("ul", "links");
    for (const at of indexes) {
      const row = make("li", items[at].kind), button = make("button"), dot = make("i");
      if (items[at].kind === "dataset") dot.style.background = items[at].color;
      button.append(dot, make("span", "", items[at].label));
      button.addEventListener("click", () => { unhide(at); choose(at); reveal(at); });
      row.append(button);
      list.append(row);
    }
    return list;
  };
  const listed = (className, texts) => {
    if (!texts || !texts.length) return null;
    const list = make("ul", className);
    for (const text of texts) list.append(make("li", "", text));
    return list;
  };
  const text = (tag, className, value) => (value ? make(tag, className, value) : null);
  const makers = (at) => items.flatMap((item, n) => (item.makes && item.makes.includes(at) ? [n] : []));
  const takers = (at) => items.flatMap((item, n) => (item.takes && item.takes.includes(at) ? [n] : []));
  const fill = (at) => {
    const item = items[at];
    panel.replaceChildren();
    const close = make("button", "close", "×");
    close.setAttribute("aria-label", "Close");
    close.addEventListener("click", () => choose(-1));
    panel.append(close, make("div", "kind", { node: "Node", dataset: "Dataset", parameter: "Parameter" }[item.kind]),
      make("h2", "", item.kind === "parameter" ? item.key : item.name));
    if (item.kind === "node") {
      if (item.status) {
        const pill = make("span", "status"), dot = make("i");
        dot.style.background = item.color;
        pill.append(dot, make("span", "", item.status + (item.spent ? " · " + item.spent : "")));
        panel.append(pill);
      }
      if (item.at !== undefined) panel.append(make("p", "when", "Last run " + new Date(item.at * 1000).toLocaleString()));
      part("Why", listed("reasons", item.reasons));
      part("Inputs", links(item.takes));
      part("Outputs", links(item.makes));
      part("Waits for", links(data.order.filter((pair) => pair[1] === at).map((pair) => pair[0])));
      part("Tags", listed("tags", item.tags));
      part("Namespace", text("code", "", item.namespace));
      part("Function", text("code", "", item.module));
      part("Description", text("p", "doc", item.doc));
    } else if (item.kind === "dataset") {
      if (item.layer) {
        const pill = make("span", "status"), dot = make("i");
        dot.style.background = item.color;
        pill.append(dot, make("span", "", item.layer));
        panel.append(pill);
      }
      part("Type", text("code", "", item.type));
      part("Place", text("code", "", item.place));
      part("Digest", text("code", "", item.digest));
      part("Made by", links(makers(at)));
      part("Taken by", links(takers(at)));
    } else {
      part("Value", text("pre", "", item.value));
      part("Taken by", links(takers(at)));
    }
  };
  const choose = (at) => {
    if (chosen >= 0) elements[chosen].classList.remove("chosen");
    chosen = at;
    panel.hidden = at < 0;
    if (at >= 0) {
      elements[at].classList.add("chosen");
      fill(at);
      panel.scrollTop = 0;
      picked = "";
      marked();
    }
    settle();
  };
  const unhide = (at) => {
    if (drawn.at[at]) return;
    toggle(items[at].kind === "dataset" ? "datasets" : "parameters");
  };

  /* --- search and legend ----------------------------------------------------------------------------------------- */

  const look = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    hits = items.flatMap((item, at) => (words.every((word) => item.sought.includes(word)) ? [at] : []));
    active = words.length && hits.length ? 0 : -1;
    found.replaceChildren(...hits.slice(0, 60).map((at, n) => {
      const row = make("li");
      row.id = "found-" + n;
      row.setAttribute("role", "option");
      row.append(make("span", "", items[at].label), make("span", "", items[at].kind));
      row.addEventListener("pointerdown", (event) => { event.preventDefault(); go(at); });
      return row;
    }));
    if (!hits.length) found.append(make("li", "none", "Nothing has that name"));
    mark();
    settle();
  };
  const mark = () => {
    [...found.children].forEach((row, n) => row.setAttribute("aria-selected", n === active));
    if (active >= 0) {
      search.setAttribute("aria-activedescendant", "found-" + active);
      found.children[active].scrollIntoView({ block: "nearest" });
    } else search.removeAttribute("aria-activedescendant");
  };
  const unfold = (open) => {
    found.hidden = !open;
    search.setAttribute("aria-expanded", open);
  };
  const go = (at) => {
    search.value = "";
    unfold(false);
    unhide(at);
    choose(at);
    reveal(at, true);
    elements[at].focus({ preventScroll: true });
  };
  search.addEventListener("focus", () => { look(); unfold(true); });
  search.addEventListener("blur", () => unfold(false));
  search.addEventListener("input", () => { look(); unfold(true); });
  search.addEventListener("keydown", (event) => {
    const last = Math.min(hits.length, 60) - 1;
    if (event.key === "ArrowDown") active = Math.min(active + 1, last);
    else if (event.key === "ArrowUp") active = Math.max(active - 1, Math.min(0, last));
    else if (event.key === "Enter") { if (active >= 0) go(hits[active]); return; }
    else if (event.key === "Escape") { search.value = ""; search.blur(); settle(); event.stopPropagation(); return; }
    else return;
    event.preventDefault();
    mark();
  });
  const choices = [...document.querySelectorAll("#legend button")];
  const marked = () => choices.forEach((button) => button.setAttribute("aria-pressed", button.dataset.pick === picked));
  choices.forEach((button) => button.addEventListener("click", () => {
    picked = picked === button.dataset.pick ? "" : button.dataset.pick;
    if (picked && chosen >= 0) { const pick = picked; choose(-1); picked = pick; }
    marked();
    settle();
  }));

  /* --- pointer: drag, pinch, wheel, click ------------------------------------------------------------------------ */

  const fingers = new Map();
  let dragged = 0, pressed = -1;
  const indexOf = (target) => {
    const element = target.closest && target.closest(".item");
    return element ? Number(element.dataset.i) : -1;
  };
  stage.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    cancelAnimationFrame(gliding);
    untouched = false;
    if (document.activeElement === search) search.blur();
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    if (fingers.size === 1) { dragged = 0; pressed = indexOf(event.target); }
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    const was = fingers.get(event.pointerId);
    if (!was) return;
    const now = [event.clientX, event.clientY];
    const others = [...fingers].filter(([id]) => id !== event.pointerId);
    if (others.length) {
      const [ox, oy] = others[0][1];
      const f = Math.hypot(now[0] - ox, now[1] - oy) / Math.max(1, Math.hypot(was[0] - ox, was[1] - oy));
      camera = zoomed(camera.k * f, (now[0] + ox) / 2, (now[1] + oy) / 2);
    }
    const share = others.length ? 2 : 1;
    camera.x += (now[0] - was[0]) / share;
    camera.y += (now[1] - was[1]) / share;
    dragged += Math.abs(now[0] - was[0]) + Math.abs(now[1] - was[1]);
    if (dragged > 4) stage.classList.add("dragging");
    fingers.set(event.pointerId, now);
    paint();
  });
  const lift = (event) => {
    if (!fingers.delete(event.pointerId) || fingers.size) return;
    stage.classList.remove("dragging");
    if (event.type !== "pointerup" || dragged > 4) return;
    if (pressed >= 0) elements[pressed].focus({ preventScroll: true });
    choose(pressed === chosen ? -1 : pressed);
    if (chosen >= 0) reveal(chosen);
  };
  stage.addEventListener("pointerup", lift);
  stage.addEventListener("pointercancel", lift);
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    cancelAnimationFrame(gliding);
    untouched = false;
    const lineHeight = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? innerHeight : 1;
    const rate = event.ctrlKey ? 0.01 : 0.0016;
    camera = zoomed(camera.k * Math.exp(-event.deltaY * lineHeight * rate), event.clientX, event.clientY);
    paint();
  }, { passive: false });
  stage.addEventListener("dblclick", (event) => {
    if (indexOf(event.target) < 0) glide(zoomed(camera.k * 1.7, event.clientX, event.clientY));
  });
  elements.forEach((element, at) => {
    element.addEventListener("pointerenter", (event) => { if (!fingers.size && event.pointerType !== "touch") kin(at); });
    element.addEventListener("pointerleave", () => { if (!fingers.size) settle(); });
    element.addEventListener("focus", () => { if (element.matches(":focus-visible")) reveal(at); });
    element.addEventListener("keydown", (event) => walk(event, at));
  });

  /* --- keys ------------------------------------------------------------------------------------------------------ */

  const walk = (event, at) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose(chosen === at ? -1 : at);
      return;
    }
    const [x, y] = drawn.at[at];
    let options = [];
    if (event.key === "ArrowUp") options = before[at].map((pair) => pair[0]);
    else if (event.key === "ArrowDown") options = after[at].map((pair) => pair[0]);
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      const side = event.key === "ArrowLeft" ? -1 : 1;
      options = drawn.at.flatMap((p, n) => (p && Math.abs(p[1] - y) < 3 && (p[0] - x) * side > 0 ? [n] : []));
    } else return;
    event.preventDefault();
    event.stopPropagation();
    options.sort((a, b) => Math.abs(drawn.at[a][0] - x) - Math.abs(drawn.at[b][0] - x));
    if (options.length) { elements[options[0]].focus({ preventScroll: true }); reveal(options[0]); }
  };
  const middle = (f) => glide(zoomed(camera.k * f, innerWidth / 2, innerHeight / 2));
  const keys = {
    "+": () => middle(1.35), "=": () => middle(1.35), "-": () => middle(1 / 1.35), 0: () => glide(whole()),
    "/": () => search.focus(), d: () => toggle("datasets"), p: () => toggle("parameters"),
    ArrowUp: () => glide({ ...camera, y: camera.y + 90 }), ArrowDown: () => glide({ ...camera, y: camera.y - 90 }),
    ArrowLeft: () => glide({ ...camera, x: camera.x + 90 }), ArrowRight: () => glide({ ...camera, x: camera.x - 90 }),
    Escape: () => { picked = ""; marked(); choose(-1); },
  };
  document.addEventListener("keydown", (event) => {
    if (event.target === search || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!panel.hidden && panel.contains(event.target) && event.key.startsWith("Arrow")) return;
    const act = Object.hasOwn(keys, event.key) && keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  $("closer").addEventListener("click", () => middle(1.35));
  $("farther").addEventListener("click", () => middle(1 / 1.35));
  $("fit").addEventListener("click", () => glide(whole()));
  for (const what of ["datasets", "parameters"]) {
    $(what).disabled = $(what).hidden = !items.some((item) => item.kind + "s" === what);
    $(what).addEventListener("click", () => toggle(what));
  }
  $("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  stage.removeAttribute("viewBox");
  show(true);
  camera = opening();
  paint();
  addEventListener("resize", () => { if (untouched) { camera = opening(); paint(); } });
})();
