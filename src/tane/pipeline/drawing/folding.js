/* What of the scene is seen, and where: the same as folding.py and picture.py do. Who changes one changes both. */
const folding = (() => {
  const merged = (edges) => {
    const found = new Map();
    for (let [source, target, order, when] of edges) {
      if (source === target) continue;
      const pair = `${source} ${target}`, other = found.get(pair);
      if (other) {
        order = other[2] && order;
        when = [...new Set([other[3], when].filter(Boolean))].join(" and ");
      }
      found.set(pair, [source, target, order, when]);
    }
    return [...found.values()];
  };
  /* The items that are seen, and the edges between them as [source, target, order, when]. */
  const seen = (data, folded, shows) => {
    const { items, edges, boxes } = data, count = items.length - Object.keys(boxes).length;
    const place = items.slice(0, count).map((item, at) => {
      const outer = drawing.around(item.inside || "").find((name) => folded.has(name));
      return outer === undefined ? at : boxes[outer];
    });
    const kept = [...new Set(place)].filter((at) => shows[items[at].kind + "s"] !== false);
    let pairs = edges.map(([source, target, order, when]) => [place[source], place[target], order, when]);
    const made = new Set();
    pairs.forEach(([source, target], n) => {
      if (source >= count && items[edges[n][1]].kind === "dataset") made.add(`${target} ${source}`);
    });
    pairs = merged(pairs.filter(([source, target]) => !made.has(`${source} ${target}`)));
    if (!shows.datasets) {
      const makers = new Map();
      for (const [source, target] of pairs) if (items[target].kind === "dataset") makers.set(target, source);
      pairs = pairs.map(([source, ...rest]) => [makers.has(source) ? makers.get(source) : source, ...rest]);
    }
    const here = new Set(kept);
    return [kept, merged(pairs.filter(([source, target]) => here.has(source) && here.has(target)))];
  };
  const common = (homes) => {
    const chains = homes.map(drawing.around);
    return chains[0].filter((name) => chains.every((chain) => chain.includes(name))).pop() || "";
  };
  /* What lies in a frame that is folded, yet is seen, stands beside its box. */
  const homeOf = ({ home = "" }, folded) => {
    const outer = drawing.around(home).find((name) => folded.has(name));
    return outer === undefined ? home : outer.split(".").slice(0, -1).join(".");
  };
  /* Width, height, places by item (null where not seen), edges as [source, target, order, path], frames, labels. */
  const view = (data, folded, shows) => {
    const [kept, edges] = seen(data, folded, shows), now = new Map(kept.map((before, at) => [before, at]));
    const sizes = kept.map((at) => data.items[at].size), homes = kept.map((at) => homeOf(data.items[at], folded));
    const links = [], groups = [], middles = new Map(), ends = new Map();
    const link = (source, target, order) => { links.push([source, target]); groups.push(order); return links.length - 1; };
    const parts = edges.map(([from, to, order, when]) => {
      const source = now.get(from), target = now.get(to);
      if (!when) return [link(source, target, order)];
      const home = common([homes[target], homes[source]]), name = JSON.stringify([target, when, home]);
      if (!middles.has(name)) {
        middles.set(name, [sizes.length, when, to]);
        sizes.push(data.labels[when] || [10 + 6 * when.length, 16]);
        homes.push(home);
        ends.set(name, link(middles.get(name)[0], target, order));
      }
      const middle = middles.get(name)[0];
      return [link(source, middle, order), ends.get(name)];
    });
    const late = new Set([...middles.values()].map(([middle]) => middle));
    const done = drawing.arrange(sizes, links, groups, homes, data.titles, late), at = data.items.map(() => null);
    kept.forEach((before, n) => { at[before] = done.centers[n]; });
    return {
      w: done.width,
      h: done.height,
      at,
      edges: edges.map(([source, target, order], n) => [source, target, order, parts[n].map((one) => done.paths[one]).join("")]),
      frames: done.frames,
      labels: [...middles.values()].map(([middle, text, target]) => [text, ...done.centers[middle], target]),
    };
  };
  return { view };
})();
