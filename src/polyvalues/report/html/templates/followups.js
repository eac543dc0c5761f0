// What was asked of a finished study: control (what more strength does, and what it costs), damaged texts, quality.
(function () {
  "use strict";
  const { COLOURS, conceptStates, forms, interval, named, number, reaching, three } = window.polyvalues;
  const { framed, ringed } = window.polyvalues;

  const setting = (row) =>
    `blocks ${row.layers}, strength ${row.strength.toPrecision(3)}` +
    (row.gate === null ? "" : `, gate ${Math.round(100 * row.gate)} %`);
  const trialHeads = () => [
    "target",
    "layers",
    "strength",
    "gate",
    "effect",
    "benign",
    "language",
    "base_effect",
    "base_benign",
    "base_language",
    "chosen",
    "front",
  ];
  const trials = {
    choices: () => ["target"],
    heads: trialHeads,
    all: (figure, state) => figure.targets.map((target) => Object.assign({}, state, { target: target })),
    say: (figure, row) =>
      `${named(row.target)}, ${setting(row)}: ${figure.behaviour} ${number(row.effect)} (unsteered ` +
      `${number(row.base_effect)}), willing answers ${number(row.benign)} (${number(row.base_benign)}), ` +
      `language kept ${number(row.language)}${row.chosen ? "; chosen" : ""}`,
    steps: () => 1,
  };
  const dose = Object.assign({}, trials, {
    rows: (figure, state) =>
      figure.trials.filter((row) => row.target === state.target && row.shown).sort((a, b) => a.strength - b.strength),
    caption: (figure, state) => `Shown: ${named(state.target)}.`,
    draw: (figure, rows, state, room) => {
      const names = [
        figure.behaviour + " on violating prompts",
        "willing answers on upholding prompts",
        "answers in their language",
      ];
      const parts = rows.flatMap((row) =>
        ["effect", "benign", "language"].map((key, at) =>
          Object.assign({ rate: row[key], base: row["base_" + key], what: names[at] }, row),
        ),
      );
      const colours = { domain: names, range: [COLOURS.own, COLOURS.warm, COLOURS.random] };
      return {
        plot: framed(room, {
          color: colours,
          x: {
            type: "log",
            label: "strength, in mean lengths of hidden states",
            ticks: 5,
            tickFormat: (value) => value.toPrecision(2),
          },
          y: { domain: [0, 1], label: "rate" },
          marks: [
            ...names.map((name) =>
              Plot.ruleY(parts.filter((row) => row.what === name).slice(0, 1), {
                y: "base",
                stroke: "what",
                strokeDasharray: "3 3",
              }),
            ),
            Plot.ruleX(rows.filter((row) => row.chosen).slice(0, 1), { x: "strength", stroke: "var(--ink)" }),
            Plot.line(parts, { x: "strength", y: "rate", z: "what", stroke: "what", strokeWidth: 2, marker: "circle" }),
          ],
        }),
        seen: rows,
        position: { x: "strength", y: "effect" },
        mark: (row) => ringed(row, { x: "strength", y: "effect" }),
        swatches: { color: colours },
        note: "On the prompts used for choosing. Dashed: unsteered. Upright: the chosen setting.",
      };
    },
  });
  const cost = Object.assign({}, trials, {
    rows: (figure, state) => figure.trials.filter((row) => row.target === state.target),
    caption: (figure, state) => `Shown: ${named(state.target)}.`,
    draw: (figure, rows, state, room) => {
      const placed = rows.map((row) => Object.assign({ lost: row.base_benign - row.benign }, row));
      const front = placed.filter((row) => row.front).sort((a, b) => a.lost - b.lost);
      return {
        plot: framed(room, {
          x: { label: "willing answers lost on upholding prompts", nice: true },
          y: { domain: [0, 1], label: figure.behaviour },
          marks: [
            Plot.ruleY(placed.slice(0, 1), { y: "base_effect", stroke: "var(--soft)", strokeDasharray: "3 3" }),
            Plot.dot(placed, { x: "lost", y: "effect", fill: COLOURS.random, r: 3 }),
            Plot.line(front, { x: "lost", y: "effect", stroke: COLOURS.own, strokeWidth: 2, marker: "circle" }),
            Plot.dot(
              placed.filter((row) => row.chosen),
              { x: "lost", y: "effect", fill: COLOURS.warm, r: 6 },
            ),
          ],
        }),
        seen: placed,
        position: { x: "lost", y: "effect" },
        mark: (row) => ringed(row, { x: "lost", y: "effect" }, { r: 9 }),
        note: "A point per setting tried. Line: no other setting has more effect for less. Orange: chosen. Dashed: unsteered.",
      };
    },
  });

  // ---- damaged texts ----------------------------------------------------------------------------------------------
  const noise = {
    choices: () => ["concept", "damage", "highlight"],
    heads: () => ["concept", "damage", "language", "dose", "estimate", "lower", "upper"],
    rows: (figure, state) =>
      figure.tags.flatMap((tag, row) =>
        figure.doses.map((dose, depth) =>
          Object.assign(
            { concept: state.concept, damage: state.damage, language: tag, dose: dose },
            three(
              figure.values,
              figure.damages.indexOf(state.damage),
              figure.concepts.indexOf(state.concept),
              row,
              depth,
            ),
          ),
        ),
      ),
    all: (figure, state) =>
      conceptStates(state)
        .filter((one) => figure.concepts.includes(one.concept))
        .flatMap((one) => figure.damages.map((damage) => Object.assign({}, one, { damage: damage }))),
    say: (figure, row) =>
      `${named(row.language)}, ${row.concept}, ${row.damage} at dose ${row.dose}: accuracy ${interval(row)}`,
    caption: (figure, state) => `Shown: ${state.concept}, ${state.damage}.`,
    steps: (figure) => figure.doses.length,
    draw: (figure, rows, state, room) => {
      const seen = rows.filter((row) => Number.isFinite(row.estimate));
      const bright = seen.filter((row) => row.language === state.highlight);
      const line = { x: "dose", y: "estimate", z: "language", stroke: COLOURS.own, marker: "circle" };
      return {
        plot: framed(room, {
          x: { label: "dose: share of words damaged", ticks: figure.doses },
          y: { label: figure.label, domain: reaching(figure.domain, bright.length ? bright : seen), nice: true },
          marks: [
            Plot.ruleY([0.5], { strokeDasharray: "4 3", stroke: "var(--soft)" }),
            Plot.line(seen, Object.assign({ strokeOpacity: bright.length ? 0.25 : 0.7 }, line)),
            Plot.areaY(bright, { x: "dose", y1: "lower", y2: "upper", fill: COLOURS.own, fillOpacity: 0.16 }),
            Plot.line(bright, Object.assign({ strokeWidth: 2.6 }, line)),
          ],
        }),
        seen: seen,
        position: { x: "dose", y: "estimate" },
        mark: (row) => ringed(row, { x: "dose", y: "estimate" }),
        note: "A line per language, its own vector. Choose a language to see its interval.",
      };
    },
  };

  // ---- quality of translations ------------------------------------------------------------------------------------
  const quality = {
    choices: () => ["concept"],
    heads: () => ["concept", "language", "quality", "estimate", "n"],
    rows: (figure, state) => figure.rows.filter((row) => row.concept === state.concept),
    all: (figure, state) => conceptStates(state).filter((one) => figure.concepts.includes(one.concept)),
    say: (figure, row) =>
      `${named(row.language)}, ${row.concept}: mean quality ${number(row.quality)}, accuracy ${number(row.estimate)}, n = ${row.n}`,
    caption: (figure, state) => {
      const [rho, p] = figure.tests[state.concept] || [null, null];
      const tested = rho === null ? "too few languages to correlate" : `rho = ${number(rho, true)}, p = ${number(p)}`;
      return `Shown: ${state.concept}; ${tested}.`;
    },
    steps: () => 1,
    draw: (figure, rows, state, room) => {
      const seen = rows.filter((row) => row.quality !== null && row.estimate !== null);
      const place = { x: "quality", y: "estimate" };
      return {
        plot: framed(room, {
          marginRight: 30,
          x: { label: "mean quality of the texts", nice: true },
          y: { label: "accuracy", nice: true },
          marks: [
            Plot.dot(seen, Object.assign({ fill: COLOURS.own, r: 4 }, place)),
            Plot.text(seen, Object.assign({ text: "language", dx: 7, textAnchor: "start" }, place)),
          ],
        }),
        seen: seen,
        position: place,
        mark: (row) => ringed(row, place),
        note: "A point per language.",
      };
    },
  };

  Object.assign(forms, { dose, cost, noise, quality });
})();
