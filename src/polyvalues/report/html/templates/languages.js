// One row per language: accuracy and reliability, curves over layers, pairs kept and dropped.
(function () {
  "use strict";
  const { COLOURS, conceptStates, counted, data, excluded, forms, interval } = window.polyvalues;
  const { ringed } = window.polyvalues;
  const { isWithout, itemStates, layerWords, leavesOut, named } = window.polyvalues;
  const { narrow, ordered, reaching, tagAxis, tags, tested, three } = window.polyvalues;

  // ---- one number per language ------------------------------------------------------------------------------------
  const points = {
    choices: (figure) => ["concept", "order", ...leavesOut(figure)],
    heads: (figure) => [
      ...["concept", "language", "series"],
      ...(leavesOut(figure).length ? ["pairs"] : []),
      ...["estimate", "lower", "upper"],
      ...(figure.counted ? ["n", "groups"] : []),
    ],
    // without flagged pairs, the number with all of them stays beside it; what was measured on all pairs only is not shown
    shown: (figure, state) => {
      const own = figure.series.filter((series) => isWithout(series, state));
      if (!own.length) return figure.series.map((series) => [series.name, series.values, "all"]);
      return own.flatMap((series) => [
        [series.name, series.without[state.items], state.items],
        [series.name + ", all pairs", series.values, "all"],
      ]);
    },
    rows: (figure, state) =>
      ordered(state).flatMap((tag) =>
        points
          .shown(figure, state)
          .map(([name, values, items]) =>
            Object.assign(
              { concept: state.concept, language: tag, series: name, pairs: items },
              three(values, data.concepts.indexOf(state.concept), tags.indexOf(tag)),
              counted(state.concept, tag, items),
            ),
          ),
      ),
    all: (figure, state) => itemStates(figure, conceptStates(state)),
    say: (figure, row) =>
      `${named(row.language)}, ${row.concept}, ${row.series}: ${interval(row, figure.signed)}` +
      (figure.counted ? `, ${tested(row)}` : ""),
    caption: (figure, state) =>
      `Shown: ${state.concept}${excluded[state.items] ? ", " + excluded[state.items].words : ""}.`,
    steps: (figure, rows) => new Set(rows.map((row) => row.series)).size,
    draw: (figure, rows, state, room) => {
      const order = ordered(state);
      const seen = rows.filter((row) => Number.isFinite(row.estimate));
      const names = points.shown(figure, state).map(([name]) => name);
      const colours = [COLOURS.own, COLOURS.random, COLOURS.permuted].slice(0, names.length);
      const shift = (series) => 6 * names.indexOf(series) - 3 * (names.length - 1);
      return {
        plot: {
          width: Math.min(room, 860),
          height: 26 * order.length + 60,
          marginLeft: 46,
          marginTop: 8,
          marginBottom: 40,
          y: tagAxis(order),
          x: { domain: reaching(figure.domain, seen), label: figure.label, grid: true, nice: true },
          color: { domain: names, range: colours },
          marks: [
            figure.reference === null
              ? null
              : Plot.ruleX([figure.reference], { strokeDasharray: "4 3", stroke: "var(--soft)" }),
            ...names.flatMap((name) => {
              const own = seen.filter((row) => row.series === name);
              return [
                Plot.link(own, {
                  x1: "lower",
                  x2: "upper",
                  y1: "language",
                  y2: "language",
                  stroke: "series",
                  strokeWidth: 2,
                  dy: shift(name),
                }),
                Plot.dot(own, {
                  x: "estimate",
                  y: "language",
                  fill: "series",
                  r: names.indexOf(name) ? 2.5 : 4,
                  dy: shift(name),
                }),
              ];
            }),
            Plot.text(
              order.filter((tag) => !seen.some((row) => row.language === tag)),
              {
                x: () => (figure.domain[0] + figure.domain[1]) / 2,
                y: (tag) => tag,
                text: () => "not measured",
                fill: "var(--soft)",
              },
            ),
          ],
        },
        position: { x: "estimate", y: "language" },
        mark: (row) =>
          Plot.dot([row], {
            x: "estimate",
            y: "language",
            r: 8,
            stroke: "var(--ink)",
            strokeWidth: 2,
            dy: shift(row.series),
          }),
        swatches: names.length > 1 ? { color: { domain: names, range: colours } } : null,
        note:
          figure.reference === null ? "" : "Dashed: " + (figure.signed ? "no change." : figure.reference + ", chance."),
      };
    },
  };

  // ---- over layers ------------------------------------------------------------------------------------------------
  const curves = {
    choices: () => ["concept", "highlight"],
    heads: () => ["concept", "language", "layer", "series", "estimate", "lower", "upper", "n", "groups"],
    rows: (figure, state) =>
      figure.series.flatMap((series) =>
        tags.flatMap((tag, row) =>
          figure.layers.map((layer, depth) =>
            Object.assign(
              { concept: state.concept, language: tag, layer: layer, series: series.name },
              three(series.values, data.concepts.indexOf(state.concept), row, depth),
              counted(state.concept, tag),
            ),
          ),
        ),
      ),
    all: (figure, state) => conceptStates(state),
    say: (figure, row) =>
      `${named(row.language)}, ${row.concept}, ${layerWords(row.layer)}, ${row.series}: ${interval(row)}, ${tested(row)}`,
    caption: (figure, state) => {
      const chosen = data.chosen[data.concepts.indexOf(state.concept)];
      return `Shown: ${state.concept}${chosen === null ? "" : `; chosen: ${data.layer} ${chosen}`}.`;
    },
    steps: (figure) => figure.layers.length,
    // the languages that are highest and lowest at the chosen layer, or at their own best where none was chosen
    extremes: (rows, layer) => {
      const there = layer === null ? rows : rows.filter((row) => row.layer === layer);
      const best = d3.rollups(
        there,
        (own) => d3.max(own, (row) => row.estimate),
        (row) => row.language,
      );
      const sorted = d3.sort(best, (pair) => -pair[1]);
      return sorted.length > 1 ? [sorted[0][0], sorted[sorted.length - 1][0]] : sorted.map((pair) => pair[0]);
    },
    draw: (figure, rows, state, room) => {
      const own = rows.filter((row) => row.series === figure.series[0].name && Number.isFinite(row.estimate));
      const random = rows.filter((row) => row.series !== figure.series[0].name && Number.isFinite(row.estimate));
      const chosen = data.chosen[data.concepts.indexOf(state.concept)];
      const lit = state.highlight ? [state.highlight] : curves.extremes(own, chosen);
      const bright = own.filter((row) => lit.includes(row.language));
      const colour = (row) => (lit.indexOf(row.language) ? COLOURS.warm : COLOURS.own);
      const ends = lit.map((tag) => bright.filter((row) => row.language === tag).pop()).filter(Boolean);
      const dots = figure.layers.length === 1;
      return {
        plot: {
          width: Math.min(room, 860),
          height: narrow(room) ? 300 : 380,
          marginLeft: 46,
          marginRight: 40,
          marginTop: 26,
          marginBottom: 42,
          x: {
            label: data.layerAxis,
            ticks: figure.layers.slice(0, 40),
            tickFormat: (value) => (figure.layers.includes(value) ? String(value) : ""),
            domain: dots ? [figure.layers[0] - 1, figure.layers[0] + 1] : d3.extent(figure.layers),
          },
          y: {
            label: figure.label,
            grid: true,
            domain: reaching(figure.domain, [...bright, ...own.map((row) => ({ estimate: row.estimate }))]),
            nice: true,
          },
          marks: [
            Plot.ruleY([0.5], { strokeDasharray: "4 3", stroke: "var(--soft)" }),
            Plot.line(random, {
              x: "layer",
              y: "estimate",
              z: "language",
              stroke: COLOURS.random,
              strokeWidth: 0.7,
              strokeOpacity: 0.6,
            }),
            chosen === null ? null : Plot.ruleX([chosen], { stroke: "var(--ink)" }),
            Plot.line(own, {
              x: "layer",
              y: "estimate",
              z: "language",
              stroke: COLOURS.own,
              strokeOpacity: 0.28,
              marker: dots ? "circle" : null,
            }),
            Plot.areaY(bright, {
              x: "layer",
              y1: "lower",
              y2: "upper",
              z: "language",
              fill: colour,
              fillOpacity: 0.16,
            }),
            Plot.line(bright, {
              x: "layer",
              y: "estimate",
              z: "language",
              stroke: colour,
              strokeWidth: 2.4,
              marker: "circle",
            }),
            Plot.text(ends, {
              x: "layer",
              y: "estimate",
              text: "language",
              fill: colour,
              dx: 8,
              textAnchor: "start",
              fontWeight: 700,
            }),
          ],
        },
        seen: [...own, ...random],
        position: { x: "layer", y: "estimate" },
        mark: (row) => ringed(row, { x: "layer", y: "estimate" }, { r: 7 }),
        note: "Band: interval. Thin: the other languages. Grey: random directions. Upright: the chosen layer.",
      };
    },
  };

  // ---- pairs kept and dropped -------------------------------------------------------------------------------------
  const drops = {
    choices: () => ["concept", "order"],
    heads: () => ["concept", "language", "kept", "dropped", "reasons"],
    rows: (figure, state) =>
      ordered(state).map((tag) => {
        const found = figure.rows.find((row) => row.concept === state.concept && row.language === tag);
        return found || { concept: state.concept, language: tag, kept: 0, dropped: 0, reasons: "" };
      }),
    all: (figure, state) => conceptStates(state),
    say: (figure, row) =>
      `${named(row.language)}, ${row.concept}: ${row.kept} kept, ${row.dropped} dropped` +
      (row.reasons ? ` (${row.reasons})` : ""),
    caption: (figure, state) => `Shown: ${state.concept}.`,
    steps: () => 1,
    draw: (figure, rows, state, room) => {
      const kinds = ["kept", "dropped"];
      const colours = { domain: kinds, range: [COLOURS.own, COLOURS.warm] };
      const parts = rows.flatMap((row) => kinds.map((kind) => Object.assign({ pairs: row[kind], what: kind }, row)));
      return {
        plot: {
          width: Math.min(room, 760),
          height: 22 * rows.length + 56,
          marginLeft: 46,
          marginBottom: 40,
          x: { label: "pairs", grid: true },
          y: { domain: rows.map((row) => row.language), label: null, tickSize: 0 },
          color: colours,
          marks: [Plot.barX(parts, { x: "pairs", y: "language", fill: "what", insetTop: 3, insetBottom: 3 })],
        },
        seen: rows,
        position: { x: "kept", y: "language" },
        mark: (row) => ringed(row, { x: "kept", y: "language" }),
        swatches: { color: colours },
        note: "",
      };
    },
  };

  Object.assign(forms, { points, curves, drops });
})();
