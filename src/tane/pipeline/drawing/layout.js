/* The layout of a scene after folding, in the page: the same as layout.py does. Who changes one changes both. */
const drawing = (() => {
  const TIP = 7, HEADER = 30, PAD = 16;

  const around = (home) => {
    const parts = home ? home.split(".") : [];
    return parts.map((_, at) => parts.slice(0, at + 1).join("."));
  };
  const within = (chain, depth, vertex) => (depth < chain.length ? "frame " + chain[depth] : "box " + vertex);
  const frameOf = (vertex) => (vertex.startsWith("frame ") ? vertex.slice(6) : "");
  const boxOf = (vertex) => (vertex.startsWith("box ") ? Number(vertex.slice(4)) : -1);
  const chainsOf = (homes, links) => {
    let chains = homes.map(around);
    const work = [""];
    for (const level of work) {
      for (;;) {
        const names = new Map();
        const ends = chains.map((chain, vertex) => {
          const depth = level ? chain.indexOf(level) + 1 || -1 : 0;
          if (depth < 0) return -1;
          const one = within(chain, depth, vertex);
          if (!names.has(one)) names.set(one, names.size);
          return names.get(one);
        });
        const own = [];
        for (const [a, b] of links) if (ends[a] >= 0 && ends[b] >= 0 && ends[a] !== ends[b]) own.push([ends[a], ends[b]]);
        const round = rows.stuck(names.size, own);
        const gone = new Set([...names].filter(([one, at]) => frameOf(one) && round[at]).map(([one]) => frameOf(one)));
        if (!gone.size) { work.push(...[...names.keys()].map(frameOf).filter(Boolean)); break; }
        chains = chains.map((chain) => chain.filter((name) => !gone.has(name)));
      }
    }
    return chains;
  };
  class Level {
    constructor(name) {
      Object.assign(this, { name, vertices: [], links: [], width: 0, height: 0, shift: 0, rise: 0, origin: [0, 0] });
      this.index = new Map();
      this.known = new Map();
    }
    vertex(vertex) {
      if (!this.index.has(vertex)) { this.index.set(vertex, this.vertices.length); this.vertices.push(vertex); }
      return this.index.get(vertex);
    }
    link(source, target, value, turned) {
      const pair = [this.vertex(source), this.vertex(target)], name = `${pair} ${value}`;
      if (!this.known.has(name)) { this.known.set(name, this.links.length); this.links.push([...pair, value, turned]); }
      return this.known.get(name);
    }
    plan(sizes, levels, title, late) {
      const ports = (role) => new Set(this.vertices.flatMap((vertex, at) => (vertex.startsWith(role) ? [at] : [])));
      const first = ports("in "), last = ports("out ");
      const given = {
        sizes: this.vertices.map((vertex) => {
          const inner = levels.get(frameOf(vertex));
          if (frameOf(vertex)) return [inner.width, inner.height];
          return boxOf(vertex) >= 0 ? sizes[boxOf(vertex)] : [0, 0];
        }),
        links: this.links.map(([source, target]) => [source, target]),
        groups: this.links.map((link) => link[2]),
        joins: this.links.map((link) => this.join(link, levels)),
        first,
        last,
        late: new Set(this.vertices.flatMap((vertex, at) => (late.has(boxOf(vertex)) ? [at] : []))),
      };
      this.done = first.size || last.size ? rows.stack(given) : rows.shelve(given);
      this.width = this.done.width;
      this.height = this.done.height;
      if (this.name) {
        this.width = Math.max(this.done.width + 2 * PAD, title);
        this.shift = (this.width - this.done.width) / 2;
        this.rise = first.size ? 0 : HEADER;
        this.height += this.rise + (last.size ? 0 : PAD);
      }
    }
    port(role, value) {
      return this.done.centers[this.index.get(`${role} ${value}`)][0] + this.shift - this.width / 2;
    }
    join([from, to, value, turned], levels) {
      const source = this.vertices[from], target = this.vertices[to];
      return {
        leaves: frameOf(source) ? levels.get(frameOf(source)).port("out", value) : 0,
        enters: frameOf(target) ? levels.get(frameOf(target)).port("in", value) : 0,
        above: turned && boxOf(source) >= 0 ? TIP : 0,
        below: !turned && boxOf(target) >= 0 ? TIP : 0,
      };
    }
  }
  const segmentsOf = ([source, target], group, turned, levels, chains) => {
    const value = `${source}/${group}/${turned ? 1 : 0}`, out = chains[source], into = chains[target], made = [];
    let shared = 0;
    while (shared < Math.min(out.length, into.length) && out[shared] === into[shared]) shared += 1;
    const add = (level, from, to) => made.push([level, level.link(from, to, value, turned)]);
    for (let depth = out.length - 1; depth >= shared; depth -= 1) {
      add(levels.get(out[depth]), within(out, depth + 1, source), "out " + value);
    }
    add(levels.get(shared ? out[shared - 1] : ""), within(out, shared, source), within(into, shared, target));
    for (let depth = shared; depth < into.length; depth += 1) {
      add(levels.get(into[depth]), "in " + value, within(into, depth + 1, target));
    }
    return made;
  };
  const joinedOf = (pieces) => {
    const stops = [];
    for (const [level, link] of pieces) {
      const [right, down] = level.origin;
      const route = level.done.routes[link].map(([x, top, bottom]) => [x + right, top + down, bottom + down]);
      if (stops.length) route[0][0] = stops[stops.length - 1][0];
      stops.push(...route);
    }
    return stops;
  };
  const pathOf = (route) => {
    const r = Math.round;
    let [x, top, y] = route[0], text = `M${r(x)} ${r(top)}`;
    for (const [nextX, nextTop, nextBottom] of route.slice(1)) {
      if (r(nextX) !== r(x)) {
        if (r(y) !== r(top)) text += `V${r(y)}`;
        const half = r((y + nextTop) / 2);
        text += `C${r(x)} ${half} ${r(nextX)} ${half} ${r(nextX)} ${r(nextTop)}`;
        x = nextX;
        top = nextTop;
      }
      y = nextBottom;
    }
    if (r(y) !== r(top)) text += `V${r(y)}`;
    return text;
  };
  const arrange = (sizes, links, groups, homes, titles, late = new Set()) => {
    const back = rows.backward(sizes.length, links);
    const ways = links.map(([a, b], at) => (back[at] ? [b, a] : [a, b]));
    const chains = chainsOf(homes, ways), levels = new Map([["", new Level("")]]);
    for (const chain of chains) for (const name of chain) if (!levels.has(name)) levels.set(name, new Level(name));
    chains.forEach((chain, vertex) => {
      chain.forEach((inner, at) => levels.get(at ? chain[at - 1] : "").vertex("frame " + inner));
      levels.get(chain.length ? chain[chain.length - 1] : "").vertex("box " + vertex);
    });
    const segments = ways.map((way, at) => segmentsOf(way, groups[at], back[at], levels, chains));
    const depth = (name) => (name ? name.split(".").length : 0);
    for (const name of [...levels.keys()].sort((a, b) => depth(b) - depth(a))) {
      levels.get(name).plan(sizes, levels, titles[name] || 0, late);
    }
    const centers = sizes.map(() => [0, 0]), frames = [], work = [levels.get("")];
    for (const level of work) {
      const [right, down] = level.origin;
      if (level.name) {
        frames.push([level.name, ...[right - level.shift, down - level.rise, level.width, level.height].map(Math.round)]);
      }
      level.vertices.forEach((vertex, at) => {
        const [x, y] = level.done.centers[at], inner = levels.get(frameOf(vertex));
        if (frameOf(vertex)) {
          inner.origin = [right + x - inner.width / 2 + inner.shift, down + y - inner.height / 2 + inner.rise];
          work.push(inner);
        } else if (boxOf(vertex) >= 0) centers[boxOf(vertex)] = [Math.round(x + right), Math.round(y + down)];
      });
    }
    const paths = segments.map((pieces, at) => {
      const stops = joinedOf(pieces);
      return pathOf(back[at] ? stops.reverse().map(([x, high, low]) => [x, low, high]) : stops);
    });
    const root = levels.get("");
    return { centers, paths, frames, width: Math.round(root.width), height: Math.round(root.height) };
  };
  return { arrange, around };
})();
