// Several studies: recognition against training shares, and traits of models against their training mixtures.
(function () {
  "use strict";
  const { forms, interval, named, number, three } = window.polyvalues;
  const { framed, ringed, tall } = window.polyvalues;
  const PALETTE = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a94a3"];
  const MIXTURES = {
    dominance: "share of the largest language, %",
    entropy: "entropy of the mixture, bits",
    over_one: "languages over 1 %",
  };
  const colours = (figure) => ({
    domain: figure.studies,
    range: figure.studies.map((_, at) => PALETTE[at % PALETTE.length]),
  });

  const shares = {
    choices: () => [],
    heads: () => ["study", "language", "share", "estimate"],
    rows: (figure) => figure.rows,
    all: (figure, state) => [state],
    say: (figure, row) =>
      `${row.study}, ${named(row.language)}: share ${number(row.share)} %, accuracy ${number(row.estimate)}`,
    caption: () => "Shown: every model and language whose training share is known.",
    steps: () => 1,
    draw: (figure, rows, state, room) => {
      const seen = rows.filter((row) => row.share > 0 && row.estimate !== null);
      const place = { x: "share", y: "estimate" };
      return {
        plot: framed(room, {
          width: Math.min(room, 860),
          height: tall(room),
          marginRight: 30,
          color: colours(figure),
          x: { type: "log", label: "training share, %", ticks: 5, tickFormat: (value) => String(value) },
          y: { label: "accuracy", nice: true },
          marks: [
            Plot.ruleY([0.5], { strokeDasharray: "4 3", stroke: "var(--soft)" }),
            Plot.dot(seen, Object.assign({ fill: "study", r: 4 }, place)),
            Plot.text(seen, Object.assign({ text: "language", dx: 6, textAnchor: "start" }, place)),
          ],
        }),
        seen: seen,
        position: place,
        mark: (row) => ringed(row, place),
        swatches: { color: colours(figure) },
        note: "Dashed: 0.5, chance.",
      };
    },
  };

  const traits = {
    choices: () => ["trait", "mixture"],
    heads: () => ["study", "trait", "mixture", "value", "estimate", "lower", "upper"],
    rows: (figure, state) =>
      figure.studies.map((study, at) =>
        Object.assign(
          {
            study: study,
            trait: state.trait,
            mixture: state.mixture,
            value: figure.mixture[at][figure.mixtures.indexOf(state.mixture)],
          },
          three(figure.values, at, figure.traits.indexOf(state.trait)),
        ),
      ),
    all: (figure, state) =>
      figure.traits.flatMap((trait) =>
        figure.mixtures.map((mixture) => Object.assign({}, state, { trait: trait, mixture: mixture })),
      ),
    say: (figure, row) => `${row.study}: ${row.trait} ${interval(row)}, ${MIXTURES[row.mixture]} ${number(row.value)}`,
    caption: (figure, state) => {
      const place = [figure.traits.indexOf(state.trait), figure.mixtures.indexOf(state.mixture)];
      const [rho, p, n] = [0, 1, 2].map((at) => figure.tests(...place, at));
      if (!Number.isFinite(rho)) return `Shown: ${state.trait}; too few models to correlate.`;
      return `Shown: ${state.trait}; rho = ${number(rho, true)}, p = ${number(p)}, ${n} models.`;
    },
    steps: () => 1,
    draw: (figure, rows, state, room) => {
      const seen = rows.filter((row) => Number.isFinite(row.value) && Number.isFinite(row.estimate));
      return {
        plot: framed(room, {
          marginLeft: 56,
          color: colours(figure),
          x: { label: MIXTURES[state.mixture] || state.mixture, nice: true, inset: 12 },
          y: { label: state.trait, nice: true, inset: 8 },
          marks: [
            Plot.link(seen, { x1: "value", x2: "value", y1: "lower", y2: "upper", stroke: "study", strokeWidth: 2 }),
            Plot.dot(seen, { x: "value", y: "estimate", fill: "study", r: 5 }),
          ],
        }),
        seen: seen,
        position: { x: "value", y: "estimate" },
        mark: (row) => ringed(row, { x: "value", y: "estimate" }, { r: 9 }),
        swatches: { color: colours(figure) },
        note: "A point per model, with its interval.",
      };
    },
  };

  Object.assign(forms, { shares, traits });
})();
