// Points are pairs of languages: cosine against kinship, asymmetry of transfer against training shares.
(function () {
  "use strict";
  const { data, tags, named, number, interval, three, COLOURS, language, conceptStates, forms } = window.polyvalues;
  const { framed, ringed, tall } = window.polyvalues;
  const pairsOf = (list) => list.flatMap((one, at) => list.slice(at + 1).map((other) => [one, other]));
  const p = (value) => (value < 0.001 ? "< 0.001" : "= " + value.toPrecision(2));

  // ---- cosine against kinship -------------------------------------------------------------------------------------
  const kinship = {
    choices: () => ["concept", "of", "kind", "table", "coefficient", "form"],
    heads: () => ["concept", "of", "kind", "table", "one", "other", "similarity", "estimate", "lower", "upper"],
    rows: (figure, state) =>
      pairsOf(tags).map(([one, other]) => {
        const at = [tags.indexOf(one), tags.indexOf(other)];
        const distance = figure.distances(figure.tables.indexOf(state.table), figure.kinds.indexOf(state.kind), ...at);
        const { concept, of, kind, table } = state;
        const names = { concept, of, kind, table, one, other };
        return Object.assign(names, { similarity: 1 - distance }, kinship.cosine(state, ...at));
      }),
    // the same numbers as in the matrix of that quantity
    cosine: (state, one, other) => {
      const matrix = data.figures.find((figure) => figure.name === state.of);
      return forms.matrix.cell(matrix.series[0], data.concepts.indexOf(state.concept), one, other, 0);
    },
    all: (figure, state) =>
      conceptStates(state).flatMap((one) => figure.of.map((of) => Object.assign({}, one, { of: of }))),
    say: (figure, row) =>
      `${named(row.one)} and ${named(row.other)}, ${row.concept}: similarity (${row.kind}) ${number(row.similarity)}, ` +
      `${row.of} ${interval(row)}`,
    caption: (figure, state) => {
      const test = kinship.test(figure, state);
      if (!Number.isFinite(test.estimate)) return `Shown: ${state.concept}; the correlation was not measured.`;
      const fixed = figure.given[figure.kinds.indexOf(state.kind)];
      const tested =
        state.form === "beyond" && fixed
          ? `p: what this kind adds to ${fixed} distance, against simulated languages`
          : fixed
            ? "p: by permuting languages; it does not say that this goes beyond genealogy (form: beyond)"
            : "p: by permuting languages";
      const given = {
        direct: "",
        split: ", averaged over pairs with and without the dominant language",
        partial: ", with the difference of training shares held fixed",
        beyond: fixed ? `, with ${fixed} distance held fixed` : "",
      };
      const name = state.coefficient === "pearson" ? "Pearson's" : "Spearman's";
      const number = `${name} r = ${interval(test, true)}${given[state.form] || ""}`;
      return (
        `Shown: ${state.concept}. ${number}, p ${p(test.p)}, q ${p(test.q)}, ` +
        `over ${test.n} pairs of languages; interval: other languages and items. ${tested}.`
      );
    },
    test: (figure, state) => {
      const place = [
        figure.tables.indexOf(state.table),
        data.concepts.indexOf(state.concept),
        figure.of.indexOf(state.of),
        figure.kinds.indexOf(state.kind),
      ];
      const rest = [figure.coefficients.indexOf(state.coefficient), figure.forms.indexOf(state.form)];
      const values = three(figure.tests, ...place, ...rest);
      return Object.assign(values, {
        p: figure.tests(...place, ...rest, 3),
        q: figure.tests(...place, ...rest, 4),
        n: figure.counts(...place),
      });
    },
    steps: () => 1,
    draw: (figure, rows, state, room) => {
      const seen = rows.filter((row) => Number.isFinite(row.similarity) && Number.isFinite(row.estimate));
      const family = (row) =>
        language.get(row.one).family === language.get(row.other).family ? "same family" : "other families";
      return {
        plot: framed(room, {
          height: tall(room),
          x: { label: "similarity (1 − " + state.kind + " distance)", nice: true },
          y: { label: state.of, nice: true },
          color: { domain: ["same family", "other families"], range: [COLOURS.warm, COLOURS.own] },
          marks: [
            Plot.link(seen, {
              x1: "similarity",
              x2: "similarity",
              y1: "lower",
              y2: "upper",
              stroke: family,
              strokeOpacity: 0.25,
            }),
            Plot.dot(seen, { x: "similarity", y: "estimate", fill: family, r: 3.5 }),
          ],
        }),
        seen: seen,
        position: { x: "similarity", y: "estimate" },
        mark: (row) => ringed(row, { x: "similarity", y: "estimate" }),
        swatches: { color: { domain: ["same family", "other families"], range: [COLOURS.warm, COLOURS.own] } },
        note: "A point is a pair of languages, the line its interval. Points share languages, so no test counts them as independent.",
      };
    },
  };

  // ---- asymmetry against training shares --------------------------------------------------------------------------
  const direction = {
    choices: () => ["concept"],
    heads: () => ["concept", "richer", "poorer", "log10_ratio", "estimate", "lower", "upper"],
    rows: (figure, state) =>
      pairsOf(tags).map(([one, other]) => {
        const turned = figure.ratio(tags.indexOf(one), tags.indexOf(other)) < 0;
        const [richer, poorer] = turned ? [other, one] : [one, other];
        const at = [tags.indexOf(richer), tags.indexOf(poorer)];
        const names = { concept: state.concept, richer: richer, poorer: poorer, log10_ratio: figure.ratio(...at) };
        return Object.assign(names, three(figure.asymmetry, data.concepts.indexOf(state.concept), ...at));
      }),
    all: (figure, state) => conceptStates(state),
    say: (figure, row) =>
      `${named(row.richer)} (richer) and ${named(row.poorer)}, ${row.concept}: log10 ratio of shares ` +
      `${number(row.log10_ratio)}, asymmetry ${interval(row, true)}`,
    caption: (figure, state) => {
      const at = figure.slopes.indexOf(state.concept);
      const slope = three(figure.slope, at);
      return `Shown: ${state.concept}. Slope ${interval(slope, true)} per factor of ten in training data, p ${p(figure.p(at))}.`;
    },
    steps: () => 1,
    draw: (figure, rows, state, room) => {
      const seen = rows.filter((row) => Number.isFinite(row.log10_ratio) && Number.isFinite(row.estimate));
      const slope = three(figure.slope, figure.slopes.indexOf(state.concept));
      const far = d3.max(seen, (row) => row.log10_ratio) || 1;
      const band = [0, far].map((x) => ({
        x: x,
        y: slope.estimate * x,
        lower: slope.lower * x,
        upper: slope.upper * x,
      }));
      return {
        plot: framed(room, {
          height: tall(room),
          x: { label: "log10 of the ratio of training shares, richer to poorer", nice: true },
          y: { label: "asymmetry (richer to poorer, minus back)", nice: true },
          marks: [
            Plot.ruleY([0], { stroke: "var(--soft)" }),
            Plot.areaY(band, { x: "x", y1: "lower", y2: "upper", fill: COLOURS.warm, fillOpacity: 0.14 }),
            Plot.line(band, { x: "x", y: "y", stroke: COLOURS.warm, strokeWidth: 2 }),
            Plot.link(seen, {
              x1: "log10_ratio",
              x2: "log10_ratio",
              y1: "lower",
              y2: "upper",
              stroke: COLOURS.own,
              strokeOpacity: 0.25,
            }),
            Plot.dot(seen, { x: "log10_ratio", y: "estimate", fill: COLOURS.own, r: 3.5 }),
          ],
        }),
        seen: seen,
        position: { x: "log10_ratio", y: "estimate" },
        mark: (row) => ringed(row, { x: "log10_ratio", y: "estimate" }),
        note: "A point is a pair of languages. Line and band: the slope through 0, and its interval.",
      };
    },
  };

  Object.assign(forms, { kinship, direction });
})();
