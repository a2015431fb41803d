"use strict";
/* Boxes in rows, in the page: the same as ranking.py, ordering.py, placing.py and stacking.py do, in that order. Who
   changes one changes both. */
const rows = (() => {
  const ROW_GAP = 34, PART_GAP = 56, GAP = 26, LINE_GAP = 16;
  const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
  const lists = (count) => Array.from({ length: count }, () => []);
  const most = (numbers, none) => numbers.reduce((a, b) => Math.max(a, b), none);
  const least = (numbers, none) => numbers.reduce((a, b) => Math.min(a, b), none);

  /* --- rows ------------------------------------------------------------------------------------------------------ */

  const backward = (count, links) => {
    const follow = lists(count), back = links.map(() => false), state = new Array(count).fill(0);
    links.forEach(([source], at) => follow[source].push(at));
    for (let root = 0; root < count; root += 1) {
      const work = state[root] ? [] : [[root, 0]];
      while (work.length) {
        const [vertex, done] = work.pop();
        state[vertex] = 1;
        if (done === follow[vertex].length) { state[vertex] = 2; continue; }
        work.push([vertex, done + 1]);
        const link = follow[vertex][done], target = links[link][1];
        if (state[target] === 1) back[link] = true;
        else if (state[target] === 0) work.push([target, 0]);
      }
    }
    return back;
  };
  const stuck = (count, links) => {
    const left = new Array(count).fill(true);
    for (const ways of [links, links.map(([a, b]) => [b, a])]) {
      const waiting = new Array(count).fill(0), follow = lists(count);
      for (const [source, target] of ways) {
        if (left[source] && left[target]) { waiting[target] += 1; follow[source].push(target); }
      }
      const work = [];
      for (let vertex = 0; vertex < count; vertex += 1) if (left[vertex] && !waiting[vertex]) work.push(vertex);
      for (const vertex of work) {
        left[vertex] = false;
        for (const target of follow[vertex]) {
          waiting[target] -= 1;
          if (!waiting[target]) work.push(target);
        }
      }
    }
    return left;
  };
  const rank = (count, links, first, last, late) => {
    const above = lists(count), below = lists(count);
    for (const [source, target] of links) { above[target].push(source); below[source].push(target); }
    const waiting = above.map((sources) => sources.length), order = [];
    waiting.forEach((number, vertex) => { if (!number) order.push(vertex); });
    for (const vertex of order) {
      for (const target of below[vertex]) {
        waiting[target] -= 1;
        if (!waiting[target]) order.push(target);
      }
    }
    const rows = new Array(count).fill(0);
    for (const vertex of order) for (const source of above[vertex]) rows[vertex] = Math.max(rows[vertex], rows[source] + 1);
    for (const vertex of order.reverse()) {
      if (below[vertex].length && (late.has(vertex) || !above[vertex].length)) {
        rows[vertex] = least(below[vertex].map((target) => rows[target]), Infinity) - 1;
      }
    }
    const inner = rows.filter((_, vertex) => !first.has(vertex) && !last.has(vertex));
    const top = inner.length ? least(inner, Infinity) : 0, bottom = inner.length ? most(inner, -Infinity) : 0;
    for (const vertex of first) rows[vertex] = top - 1;
    for (const vertex of last) rows[vertex] = bottom + 1;
    const used = new Map([...new Set(rows)].sort((a, b) => a - b).map((row, at) => [row, at]));
    return rows.map((row) => used.get(row));
  };
  const mesh = (count, links, groups, first, last, late) => {
    const row = rank(count, links, first, last, late);
    const built = { real: count, row, rows: [], above: lists(count), below: lists(count), routes: [], hold: new Map() };
    const reach = new Map();
    links.forEach(([source, target], at) => {
      const trunk = `${source} ${groups[at]}`, known = reach.get(trunk);
      reach.set(trunk, [source, Math.max(known ? known[1] : 0, row[target])]);
    });
    let left = 8 * count + 2000;
    const trunks = new Map();
    for (const [trunk, [source, end]] of [...reach].sort((a, b) => a[1][1] - row[a[1][0]] - b[1][1] + row[b[1][0]])) {
      const bends = end - row[source] - 1;
      if (bends > left) continue;
      left -= bends;
      const passed = [source];
      for (let at = row[source] + 1; at < end; at += 1) {
        passed.push(row.length);
        row.push(at);
        built.above.push([]);
        built.below.push([]);
      }
      trunks.set(trunk, passed);
    }
    const joined = new Set();
    links.forEach(([source, target], at) => {
      const shared = trunks.get(`${source} ${groups[at]}`);
      if (!shared) { built.routes.push([source, target]); return; }
      const route = [...shared.slice(0, row[target] - row[source]), target];
      built.routes.push(route);
      for (let step = 1; step < route.length; step += 1) {
        const a = route[step - 1], b = route[step], pair = `${a} ${b}`;
        if (joined.has(pair)) continue;
        joined.add(pair);
        built.below[a].push(b);
        built.above[b].push(a);
      }
    });
    built.rows = lists(most(row, -1) + 1);
    return built;
  };

  /* --- the order within rows --------------------------------------------------------------------------------------- */

  const key = (a, b) => a * 4194304 + b;
  const held = (net, a, b) => net.hold.get(key(a, b)) || 0;
  const above = (seen, end) => {
    let low = 0, high = seen.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (end < seen[middle]) high = middle; else low = middle + 1;
    }
    return low;
  };
  const up = (a, b) => a - b;
  const places = (net) => {
    const place = new Array(net.row.length).fill(0);
    for (const row of net.rows) row.forEach((vertex, at) => { place[vertex] = at; });
    return place;
  };
  const spot = (net, vertex, other, place) => {
    const hold = held(net, vertex, other);
    return place[vertex] + hold / (2 * Math.abs(hold) + 1000);
  };
  const bundles = (net, vertex, place) => {
    if (!net.hold.size) return [net.below[vertex].map((other) => place[other]).sort(up)];
    const points = new Map();
    for (const other of net.below[vertex]) {
      const point = held(net, vertex, other);
      if (!points.has(point)) points.set(point, []);
      points.get(point).push(spot(net, other, vertex, place));
    }
    return [...points.keys()].sort(up).map((point) => points.get(point).sort(up));
  };
  const crossings = (net) => {
    const place = places(net);
    let total = 0;
    for (const row of net.rows) {
      const seen = [];
      for (const vertex of row) {
        for (const ends of bundles(net, vertex, place)) {
          for (const end of ends) total += seen.length - above(seen, end);
          for (const end of ends) seen.splice(above(seen, end), 0, end);
        }
      }
    }
    return total;
  };
  const begin = (net) => {
    const seen = new Array(net.row.length).fill(false);
    for (let root = 0; root < net.real; root += 1) {
      const work = [root];
      while (work.length) {
        const vertex = work.pop();
        if (seen[vertex]) continue;
        seen[vertex] = true;
        net.rows[net.row[vertex]].push(vertex);
        work.push(...[...net.below[vertex]].reverse());
        work.push(...[...net.above[vertex]].reverse().filter((source) => !net.above[source].length));
      }
    }
  };
  const sweep = (net, down) => {
    const share = new Array(net.row.length).fill(0);
    for (const row of net.rows) row.forEach((vertex, at) => { share[vertex] = (at + 0.5) / row.length; });
    const [beside, other] = down ? [net.above, net.below] : [net.below, net.above];
    for (const row of down ? net.rows : [...net.rows].reverse()) {
      const wanted = new Map();
      for (const vertex of row) {
        const near = beside[vertex].length ? beside[vertex] : other[vertex];
        const side = net.hold.size && near.length ? mean(near.map((v) => held(net, v, vertex))) : 0;
        wanted.set(vertex, [near.length ? mean(near.map((v) => share[v])) : share[vertex], side]);
      }
      row.sort((a, b) => wanted.get(a)[0] - wanted.get(b)[0] || wanted.get(a)[1] - wanted.get(b)[1]);
      row.forEach((vertex, at) => { share[vertex] = (at + 0.5) / row.length; });
    }
  };
  const inversions = (left, right) => right.reduce((total, end) => total + left.length - above(left, end), 0);
  const polish = (net) => {
    for (let turn = 0; turn < 4; turn += 1) {
      const place = places(net);
      let swapped = false;
      for (const row of net.rows) {
        for (let at = 0; at + 1 < row.length; at += 1) {
          const left = row[at], right = row[at + 1];
          let gain = 0;
          for (const near of [net.above, net.below]) {
            const a = near[left].map((v) => spot(net, v, left, place)).sort(up);
            const b = near[right].map((v) => spot(net, v, right, place)).sort(up);
            gain += inversions(a, b) - inversions(b, a);
          }
          if (gain > 0) {
            row[at] = right;
            row[at + 1] = left;
            place[left] = at + 1;
            place[right] = at;
            swapped = true;
          }
        }
      }
      if (!swapped) return;
    }
  };
  const arrangeRows = (net) => {
    begin(net);
    const size = net.row.length, sweeps = Math.max(4, Math.min(24, Math.floor(400000 / Math.max(size, 1))));
    let best = net.rows.map((row) => [...row]), fewest = crossings(net);
    for (let turn = 0; turn < sweeps && fewest; turn += 1) {
      sweep(net, turn % 2 === 0);
      const found = crossings(net);
      if (found < fewest) { best = net.rows.map((row) => [...row]); fewest = found; }
    }
    net.rows = best;
    if (fewest && size <= 1500) polish(net);
  };

  /* --- the place within rows --------------------------------------------------------------------------------------- */

  const gap = (net, left, right, wide) =>
    (wide[left] + wide[right]) / 2 + (left >= net.real || right >= net.real ? LINE_GAP : GAP);
  const pull = (net, a, b) => {
    const bends = (a >= net.real) + (b >= net.real);
    if (bends) return bends === 2 ? 8 : 2;
    return net.below[net.row[b] < net.row[a] ? b : a].length === 1 ? 2 : 1;
  };
  const settle = (net, row, offsets, near, x) => {
    const blocks = [];
    row.forEach((vertex, n) => {
      let total = 0, weight = 0;
      for (const neighbours of near) {
        for (const other of neighbours[vertex]) {
          const force = pull(net, vertex, other);
          const side = net.hold.size ? held(net, other, vertex) - held(net, vertex, other) : 0;
          total += force * (x[other] + side);
          weight += force;
        }
      }
      if (!weight) { total = 0.05 * x[vertex]; weight = 0.05; }
      let middle = total / weight - offsets[n], size = 1;
      while (blocks.length && blocks[blocks.length - 1][0] >= middle) {
        const [before, heavy, number] = blocks.pop();
        middle = (before * heavy + middle * weight) / (heavy + weight);
        weight += heavy;
        size += number;
      }
      blocks.push([middle, weight, size]);
    });
    let at = 0;
    for (const [middle, , size] of blocks) {
      for (let step = at; step < at + size; step += 1) x[row[step]] = middle + offsets[step];
      at += size;
    }
  };
  const runs = (net) => {
    const following = new Map();
    net.below.forEach((below, vertex) => {
      const bends = below.filter((other) => other >= net.real);
      if (vertex >= net.real && bends.length) following.set(vertex, bends[0]);
      else if (below.length === 1 && net.above[below[0]].length === 1) {
        if (!net.hold.has(key(vertex, below[0])) && !net.hold.has(key(below[0], vertex))) following.set(vertex, below[0]);
      }
    });
    return following;
  };
  const straighten = (net, wide, x) => {
    const where = places(net), following = runs(net), inner = new Set(following.values());
    const free = (vertex) => {
      const row = net.rows[net.row[vertex]], at = where[vertex];
      return [
        at ? x[row[at - 1]] + gap(net, row[at - 1], vertex, wide) : -Infinity,
        at + 1 < row.length ? x[row[at + 1]] - gap(net, vertex, row[at + 1], wide) : Infinity,
      ];
    };
    const align = (run, low, high) => {
      if (run.length < 2) return;
      const middle = mean(run.map((vertex) => x[vertex]));
      for (const vertex of run) x[vertex] = Math.max(low, Math.min(high, middle));
    };
    for (const row of net.rows) {
      for (const head of row) {
        if (!following.has(head) || inner.has(head)) continue;
        let run = [], low = -Infinity, high = Infinity, at = head;
        for (;;) {
          let [left, right] = free(at);
          if (Math.max(low, left) > Math.min(high, right) + 1e-9) {
            align(run, low, high);
            run = [];
            [low, high] = [left, right];
            [left, right] = free(at);
          }
          run.push(at);
          low = Math.max(low, left);
          high = Math.min(high, right);
          if (!following.has(at)) break;
          at = following.get(at);
        }
        align(run, low, high);
      }
    }
  };
  const place = (net, widths) => {
    const wide = [...widths, ...new Array(net.row.length - net.real).fill(0)], x = new Array(net.row.length).fill(0);
    const room = net.rows.map((row) => {
      const offsets = [0];
      for (let at = 1; at < row.length; at += 1) offsets.push(offsets[at - 1] + gap(net, row[at - 1], row[at], wide));
      return offsets;
    });
    net.rows.forEach((row, n) => row.forEach((vertex, at) => { x[vertex] = room[n][at] - room[n][room[n].length - 1] / 2; }));
    const rounds = Math.max(6, Math.min(60, Math.floor(200000 / Math.max(x.length, 1))));
    for (let turn = 0; turn < rounds; turn += 1) {
      const both = turn >= Math.floor(rounds / 2), down = turn % 2 === 0;
      const near = both ? [net.above, net.below] : [down ? net.above : net.below];
      for (let n = 0; n < net.rows.length; n += 1) {
        const at = down ? n : net.rows.length - 1 - n;
        settle(net, net.rows[at], room[at], near, x);
      }
    }
    straighten(net, wide, x);
    return x;
  };

  /* --- stacks ------------------------------------------------------------------------------------------------------ */

  const stack = ({ sizes, links, groups, joins, first, last, late }) => {
    const net = mesh(sizes.length, links, groups, first, last, late);
    net.routes.forEach((route, at) => {
      const { leaves, enters } = joins[at];
      if (leaves) net.hold.set(key(route[0], route[1]), leaves);
      if (enters) net.hold.set(key(route[route.length - 1], route[route.length - 2]), enters);
    });
    arrangeRows(net);
    let x = place(net, sizes.map((size) => size[0]));
    const left = Math.min(least(sizes.map((size, at) => x[at] - size[0] / 2), Infinity), least(x, Infinity));
    x = x.map((each) => each - left);
    const tops = [], tall = net.rows.map((row) => most(row.filter((v) => v < net.real).map((v) => sizes[v][1]), 0));
    let y = 0;
    net.rows.forEach((row, at) => {
      tops.push(y);
      let sideways = 0;
      for (const v of row) for (const other of net.below[v]) sideways = Math.max(sideways, Math.abs(x[v] - x[other]));
      y += tall[at] + ROW_GAP + Math.min(80, 0.06 * sideways);
    });
    const middle = tops.map((top, at) => top + tall[at] / 2);
    const routes = net.routes.map((route, at) => {
      const join = joins[at], head = route[0], end = route[route.length - 1], upper = net.row[head], lower = net.row[end];
      const tip = middle[lower] - sizes[end][1] / 2 - join.below;
      return [
        [x[head] + join.leaves, middle[upper] + sizes[head][1] / 2 + join.above, tops[upper] + tall[upper]],
        ...route.slice(1, -1).map((v) => [x[v], tops[net.row[v]], tops[net.row[v]] + tall[net.row[v]]]),
        [x[end] + join.enters, Math.min(tops[lower], tip), tip],
      ];
    });
    const bottom = tops.length - 1;
    return {
      centers: sizes.map((_, at) => [x[at], middle[net.row[at]]]),
      routes,
      width: Math.max(most(x, -Infinity), most(sizes.map((size, at) => x[at] + size[0] / 2), -Infinity)),
      height: tops[bottom] + tall[bottom],
    };
  };
  const partsOf = (count, links) => {
    const root = Array.from({ length: count }, (_, at) => at);
    const find = (vertex) => {
      while (root[vertex] !== vertex) { root[vertex] = root[root[vertex]]; vertex = root[vertex]; }
      return vertex;
    };
    for (const [source, target] of links) {
      const a = find(source), b = find(target);
      root[Math.max(a, b)] = Math.min(a, b);
    }
    const parts = new Map();
    for (let vertex = 0; vertex < count; vertex += 1) {
      const at = find(vertex);
      if (!parts.has(at)) parts.set(at, [[], []]);
      parts.get(at)[0].push(vertex);
    }
    links.forEach(([source], at) => parts.get(find(source))[1].push(at));
    return [...parts.values()];
  };
  const pack = (sizes) => {
    const area = sizes.reduce((sum, [w, h]) => sum + (w + PART_GAP) * (h + PART_GAP), 0);
    const widest = Math.max(most(sizes.map((size) => size[0]), 0), Math.sqrt(1.6 * area));
    const shifts = [];
    let x = 0, y = 0, shelf = 0, width = 0;
    for (const [w, h] of sizes) {
      if (x && x + w > widest) { x = 0; y += shelf + PART_GAP; shelf = 0; }
      shifts.push([x, y]);
      width = Math.max(width, x + w);
      x += w + PART_GAP;
      shelf = Math.max(shelf, h);
    }
    return [shifts, width, y + shelf];
  };
  const shelve = ({ sizes, links, groups, joins, late }) => {
    const centers = sizes.map(() => [0, 0]), routes = links.map(() => []), parts = partsOf(sizes.length, links);
    const stacks = parts.map(([vertices, own]) => {
      const local = new Map(vertices.map((vertex, at) => [vertex, at]));
      return stack({
        sizes: vertices.map((vertex) => sizes[vertex]),
        links: own.map((at) => [local.get(links[at][0]), local.get(links[at][1])]),
        groups: own.map((at) => groups[at]),
        joins: own.map((at) => joins[at]),
        first: new Set(),
        last: new Set(),
        late: new Set(vertices.flatMap((vertex, at) => (late.has(vertex) ? [at] : []))),
      });
    });
    const [shifts, width, height] = pack(stacks.map((one) => [one.width, one.height]));
    parts.forEach(([vertices, own], n) => {
      const [right, down] = shifts[n];
      vertices.forEach((vertex, at) => {
        const [x, y] = stacks[n].centers[at];
        centers[vertex] = [x + right, y + down];
      });
      own.forEach((link, at) => {
        routes[link] = stacks[n].routes[at].map(([x, top, bottom]) => [x + right, top + down, bottom + down]);
      });
    });
    return { centers, routes, width, height };
  };

  return { backward, stuck, stack, shelve };
})();
