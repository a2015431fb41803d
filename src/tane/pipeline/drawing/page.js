(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const stage = $("stage"), world = $("view"), panel = $("panel");
  const search = $("search"), found = $("found");
  const svgName = stage.namespaceURI;
  const items = data.items;
  const elements = [...$("items").children];
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const shows = { datasets: true, parameters: true }, spaces = Object.keys(data.boxes);
  let folded = new Set(data.folded);
  let drawn, lines = [], labels = [], before = [], after = [], chosen = -1, picked = "", hits = [], active = -1;
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

  const svg = (tag, attributes, ...inner) => {
    const element = document.createElementNS(svgName, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...inner);
    return element;
  };
  const tagOf = ([name, x, y]) => {
    const [text, wide] = data.tags[name];
    const tag = svg("g", { class: "tag", transform: `translate(${x} ${y})`, tabindex: 0, role: "button", "aria-expanded": true,
      "aria-label": "Fold namespace " + name });
    tag.append(svg("title", {}, `namespace ${name}: click to fold`),
      svg("rect", { class: "card", x: 8, y: 6, width: wide, height: 20, rx: 6 }), svg("path", { class: "fold", d: "M15 16h8" }),
      svg("text", { class: "name", x: 29, y: 20 }, text));
    tag.dataset.space = data.boxes[name];
    tag.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      turn(name);
    });
    return tag;
  };
  const state = () => [...folded].sort().join(" ") + "|" + shows.datasets + shows.parameters;
  const opened = state(), known = new Map([[opened, data.view]]);
  const show = (first) => {
    const now = state();
    if (!known.has(now)) known.set(now, folding.view(data, folded, shows));
    drawn = known.get(now);
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
      after[source].push([target, at]);
      before[target].push([source, at]);
      return svg("path", { class: order ? "edge order" : "edge", "marker-end": "url(#tip)", d: path });
    });
    labels = drawn.labels.map(([text, x, y]) => svg("text", { class: "label", x, y: y + 3.5, "text-anchor": "middle" }, text));
    $("edges").replaceChildren(...lines);
    $("labels").replaceChildren(...labels);
    $("frames").replaceChildren(...drawn.frames.map(([, x, y, width, height]) =>
      svg("rect", { class: "frame", x, y, width, height, rx: 14 })));
    $("tags").replaceChildren(...drawn.frames.map(tagOf));
    if (!first) setTimeout(() => stage.classList.remove("moving"), calm.matches ? 0 : 380);
    if (chosen >= 0 && !drawn.at[chosen]) choose(-1);
    for (const what of ["datasets", "parameters"]) $(what).setAttribute("aria-pressed", shows[what]);
    const shut = spaces.length > 0 && spaces.every((name) => drawing.around(name).some((outer) => folded.has(outer)));
    $("folds").textContent = shut ? "Unfold all" : "Fold all";
    for (const button of document.querySelectorAll("#legend .space")) {
      button.setAttribute("aria-expanded", !folded.has(items[button.dataset.space].name));
    }
    settle();
  };
  /* Show the change, say it in the address, and keep what was clicked, `anchor`, where it was. */
  const change = (anchor) => {
    const place = anchor && anchor();
    show(false);
    remember();
    const moved = place && anchor();
    if (!moved) { glide(opening()); return; }
    untouched = false;
    glide({ ...camera, x: camera.x + (place[0] - moved[0]) * camera.k, y: camera.y + (place[1] - moved[1]) * camera.k });
  };
  const toggle = (what) => {
    if ($(what).disabled) return;
    shows[what] = !shows[what];
    change();
  };
  const placeOf = (name) => {
    const box = drawn.at[data.boxes[name]], frame = drawn.frames.find((one) => one[0] === name);
    return box || (frame && [frame[1] + frame[3] / 2, frame[2] + 20]);
  };
  const turn = (name) => {
    if (!folded.delete(name)) folded.add(name);
    change(() => placeOf(name));
  };
  const turnAll = () => {
    if (!spaces.length) return;
    const shut = spaces.every((name) => drawing.around(name).some((outer) => folded.has(outer)));
    folded = new Set(shut ? [] : spaces);
    change();
  };

  /* --- the address: #fold=area_a,area_b.fit&hide=datasets, nothing when all is as it was at first --------------- */

  const remember = () => {
    const parts = [];
    if ([...folded].sort().join(" ") !== [...data.folded].sort().join(" ")) {
      parts.push("fold=" + [...folded].sort().map(encodeURIComponent).join(","));
    }
    const hidden = Object.keys(shows).filter((what) => !shows[what]);
    if (hidden.length) parts.push("hide=" + hidden.join(","));
    history.replaceState(null, "", parts.length ? "#" + parts.join("&") : location.pathname + location.search);
  };
  const recall = () => {
    const said = {};
    for (const part of location.hash.slice(1).split("&")) {
      const [name, value = ""] = part.split("=");
      try { said[name] = value.split(",").filter(Boolean).map(decodeURIComponent); } catch { /* not ours */ }
    }
    folded = new Set((said.fold || data.folded).filter((name) => Object.hasOwn(data.boxes, name)));
    for (const what of Object.keys(shows)) shows[what] = !(said.hide || []).includes(what) || $(what).disabled;
  };
  addEventListener("hashchange", () => { recall(); show(false); glide(opening()); });

  /* --- highlights ------------------------------------------------------------------------------------------------ */

  const light = (set, edges) => {
    stage.classList.toggle("focus", set !== null);
    elements.forEach((element, at) => element.classList.toggle("on", set !== null && set.has(at)));
    lines.forEach((line, at) => line.classList.toggle("on", edges !== null && edges.has(at)));
    labels.forEach((label, at) => label.classList.toggle("on", set !== null && set.has(drawn.labels[at][3])));
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
    if (words) light(new Set(hits.flatMap((at) => [at, ...drawing.around(items[at].inside || "").map((name) => data.boxes[name])])),
      new Set());
    else if (picked) {
      const [kind, value] = JSON.parse(picked), set = new Set();
      items.forEach((item, at) => {
        if (item.kind === "namespace" || item[kind] !== value) return;
        set.add(at);
        for (const name of drawing.around(item.inside || "")) set.add(data.boxes[name]);
      });
      light(set, new Set());
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
  const waits = (at) => data.edges.filter(([, target, order]) => target === at && order).map(([source]) => source);
  const makers = (at) => items.flatMap((item, n) => (item.makes && item.makes.includes(at) ? [n] : []));
  const takers = (at) => items.flatMap((item, n) => (item.takes && item.takes.includes(at) ? [n] : []));
  const fill = (at) => {
    const item = items[at];
    panel.replaceChildren();
    const close = make("button", "close", "×");
    close.setAttribute("aria-label", "Close");
    close.addEventListener("click", () => choose(-1));
    panel.append(close, make("div", "kind", { node: "Node", dataset: "Dataset", parameter: "Parameter", namespace: "Namespace" }[item.kind]),
      make("h2", "", item.kind === "parameter" ? item.key : item.name));
    if (item.kind === "node" || item.kind === "namespace") {
      if (item.status) {
        const pill = make("span", "status"), dot = make("i");
        dot.style.background = item.color;
        pill.append(dot, make("span", "", item.status + (item.spent ? " · " + item.spent : "")));
        panel.append(pill);
      }
      if (item.at !== undefined) panel.append(make("p", "when", "Last run " + new Date(item.at * 1000).toLocaleString()));
      part("Why", listed("reasons", item.reasons));
      if (item.kind === "namespace") {
        part("Nodes", links(items.flatMap((one, n) =>
          (one.kind === "node" && drawing.around(one.namespace || "").includes(item.name) ? [n] : []))));
      }
      part("Inputs", links(item.takes));
      part("Outputs", links(item.makes));
      part("Runs", listed("reasons", item.runs));
      part("Looks at", links(waits(at).filter((source) => items[source].kind !== "node")));
      part("Waits for", links(waits(at).filter((source) => items[source].kind === "node")));
      part("Tags", listed("tags", item.tags));
      if (item.kind === "node") part("Namespace", text("code", "", item.namespace));
      part("Command", text("pre", "", item.command));
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
    const what = items[at].kind + "s";
    if (what in shows) shows[what] = true;
    if (items[at].kind !== "namespace") for (const name of drawing.around(items[at].inside || "")) folded.delete(name);
    else {
      for (const name of drawing.around(items[at].name).slice(0, -1)) folded.delete(name);
      folded.add(items[at].name);
    }
    change();
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
  const choices = [...document.querySelectorAll("#legend [data-pick]")];
  for (const button of document.querySelectorAll("#legend .space")) {
    button.addEventListener("click", () => turn(items[button.dataset.space].name));
  }
  const marked = () => choices.forEach((button) => button.setAttribute("aria-pressed", button.dataset.pick === picked));
  choices.forEach((button) => button.addEventListener("click", () => {
    picked = picked === button.dataset.pick ? "" : button.dataset.pick;
    if (picked && chosen >= 0) { const pick = picked; choose(-1); picked = pick; }
    marked();
    settle();
  }));

  /* --- pointer: drag, pinch, wheel, click ------------------------------------------------------------------------ */

  const fingers = new Map();
  let dragged = 0, pressed = -1, tagged = "";
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
    if (fingers.size === 1) {
      dragged = 0;
      pressed = indexOf(event.target);
      const tag = event.target.closest && event.target.closest(".tag");
      tagged = tag ? items[tag.dataset.space].name : "";
    }
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
    if (tagged || (pressed >= 0 && items[pressed].kind === "namespace")) { turn(tagged || items[pressed].name); return; }
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
      if (items[at].kind === "namespace") turn(items[at].name);
      else choose(chosen === at ? -1 : at);
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
    f: turnAll,
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
  $("folds").hidden = !spaces.length;
  $("folds").addEventListener("click", turnAll);
  $("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  stage.removeAttribute("viewBox");
  recall();
  show(true);
  camera = opening();
  paint();
  addEventListener("resize", () => { if (untouched) { camera = opening(); paint(); } });
})();
