// Source by target: recognition, transfer, cosines.
(function () {
  "use strict";
  const { COLOURS, conceptStates, counted, data, excluded, forms, interval, isWithout } = window.polyvalues;
  const { itemStates, language, layerWords, leavesOut, levels } = window.polyvalues;
  const { named, number, ordered, tagAxis, tags, tested, three } = window.polyvalues;
  const MARGIN = { left: 38, top: 24 };

  const matrix = {
    choices: (figure) => [
      "concept",
      ...(figure.series.length > 1 ? ["quantity"] : []),
      ...(figure.series.some((series) => series.layers) ? ["layer"] : []),
      "order",
      ...leavesOut(figure),
    ],
    heads: (figure) => [
      ...["concept", "quantity", "layer", "source", "target"],
      ...(leavesOut(figure).length ? ["pairs"] : []),
      ...["estimate", "lower", "upper"],
      ...(figure.counted ? ["n", "groups"] : []),
    ],
    // of a symmetric matrix only the half above the diagonal is sent, row by row
    cell: (series, concept, source, target, depth) => {
      if (!series.layers) return three(series.values, concept, source, target);
      if (!series.symmetric) return three(series.values, concept, source, target, depth);
      const [low, high] = source < target ? [source, target] : [target, source];
      return three(series.values, concept, low * tags.length - (low * (low - 1)) / 2 + high - low, depth);
    },
    // two models may share fewer languages than a page has
    order: (series, state) => ordered(state).filter((tag) => !series.tags || series.tags.includes(tag)),
    series: (figure, state) => figure.series.find((one) => one.name === state.quantity) || figure.series[0],
    rows: (figure, state) => {
      const series = matrix.series(figure, state);
      const at = data.concepts.indexOf(state.concept);
      // without flagged pairs there are numbers at the chosen layer only
      const items = isWithout(series, state) ? state.items : "all";
      const known = items === "all" ? levels(series) : ["chosen"];
      const level = known.some((one) => String(one) === String(state.layer)) ? String(state.layer) : "chosen";
      const depth = known.map(String).indexOf(level);
      const order = matrix.order(series, state);
      return order.flatMap((source) =>
        order.map((target) => {
          const place = [at, tags.indexOf(source), tags.indexOf(target)];
          const values =
            items === "all" ? matrix.cell(series, ...place, depth) : three(series.without[items], ...place);
          const names = { concept: state.concept, quantity: series.name, layer: level, source: source, target: target };
          names.pairs = items;
          return Object.assign(names, values, figure.counted ? counted(state.concept, target, items) : {});
        }),
      );
    },
    all: (figure, state) =>
      itemStates(figure, conceptStates(state)).flatMap((one) =>
        figure.series
          .filter((series) => !excluded[one.items] || isWithout(series, one))
          .flatMap((series) =>
            (excluded[one.items] ? ["chosen"] : levels(series)).map((level) =>
              Object.assign({}, one, { quantity: series.name, layer: level }),
            ),
          ),
      ),
    say: (figure, row) => {
      const series = matrix.series(figure, row);
      const own = row.source === row.target;
      const value = own && !series.diagonal ? "with itself" : interval(row, series.signed);
      const counts = figure.counted ? `, ${tested(row)}` : "";
      const where = `${named(row.source)} → ${named(row.target)}, ${row.concept}, ${layerWords(row.layer)}`;
      return `${where}: ${series.name} ${value}${counts}`;
    },
    caption: (figure, state, rows) => {
      const chosen = excluded[state.items];
      const there = chosen && rows[0].pairs !== "all";
      const words = chosen ? ", " + (there ? chosen.words : "all pairs (not measured without the flagged ones)") : "";
      return `Shown: ${matrix.series(figure, state).name}, ${state.concept}, ${layerWords(rows[0].layer)}${words}.`;
    },
    steps: (figure, rows) => Math.round(Math.sqrt(rows.length)),
    draw: (figure, rows, state, room) => {
      const series = matrix.series(figure, state);
      const order = matrix.order(series, state);
      const colours = COLOURS[series.colours];
      const scale = d3.scaleSequential(colours).domain(series.domain).clamp(true);
      const seen = rows.filter(
        (row) => Number.isFinite(row.estimate) && (series.diagonal || row.source !== row.target),
      );
      const side = Math.max(13, Math.min(54, (room - 44) / order.length));
      const digits = side < 34 ? 0 : 2;
      const short = (row) => (digits ? number(row.estimate, series.signed) : number(100 * row.estimate, false, 0));
      const sure = (row) => series.reference !== null && (row.lower > series.reference || row.upper < series.reference);
      const ink = (row) => (d3.lab(scale(row.estimate)).l > 58 ? "#111" : "#fff");
      const families = order
        .slice(1)
        .map((tag, at) => (language.get(tag).family !== language.get(order[at]).family ? tag : null));
      const rules = (index, scales) => {
        const group = document.createElementNS("http://www.w3.org/2000/svg", "g");
        if (state.order && state.order !== "family") return group;
        families.filter(Boolean).forEach((tag) => {
          [
            ["x1", "x2", "y1", "y2", scales.x, MARGIN.top],
            ["y1", "y2", "x1", "x2", scales.y, MARGIN.left],
          ].forEach(([a, b, c, d, along, from]) => {
            const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
            line.setAttribute(a, along(tag));
            line.setAttribute(b, along(tag));
            line.setAttribute(c, from);
            line.setAttribute(d, from + side * order.length);
            line.setAttribute("stroke", "currentColor");
            group.append(line);
          });
        });
        return group;
      };
      return {
        plot: {
          width: side * order.length + MARGIN.left + 6,
          height: side * order.length + MARGIN.top + 6,
          marginLeft: MARGIN.left,
          marginTop: MARGIN.top,
          marginBottom: 6,
          marginRight: 6,
          x: Object.assign(tagAxis(order), { axis: "top", padding: 0, tickRotate: side < 22 ? -90 : 0 }),
          y: Object.assign(tagAxis(order), { padding: 0 }),
          marks: [
            Plot.cell(rows, { x: "target", y: "source", fill: "var(--tint)", inset: 0.5 }),
            Plot.cell(seen, { x: "target", y: "source", fill: (row) => scale(row.estimate), inset: 0.5 }),
            ...[700, 400].map((weight) =>
              Plot.text(side < 17 ? [] : seen.filter((row) => sure(row) === (weight === 700)), {
                x: "target",
                y: "source",
                text: short,
                fill: ink,
                fontSize: Math.min(12.5, side * (digits ? 0.32 : 0.44)),
                fontWeight: weight,
              }),
            ),
            rules,
          ],
        },
        position: { x: "target", y: "source" },
        mark: (row) => Plot.cell([row], { x: "target", y: "source", stroke: "var(--ink)", strokeWidth: 2.5, inset: 0 }),
        legend: {
          color: { type: "linear", domain: series.domain, interpolate: colours },
          label: series.label + (digits ? "" : " (cells in hundredths)"),
          width: Math.min(280, room),
          marginLeft: 14,
          marginRight: 14,
          ticks: 4,
          tickFormat: (value) => number(value, series.signed),
        },
        note: series.reference === null ? "" : "Bold: the interval leaves out " + series.reference + ".",
      };
    },
  };

  forms.matrix = matrix;
})();
