// The page's data, and what all interactive figures share. What runs here is the package's own; the rest is Observable
// Plot and D3. A form, as the files after this one define them, says how a figure becomes rows and marks:
//   choices(figure)                names of what can be chosen
//   heads(figure)                  columns of a row
//   rows(figure, state)            what is shown in a state
//   all(figure, state)             every state that has rows of its own, for the download
//   say(figure, row)               a row in words
//   caption(figure, state, rows)   what is shown, in words
//   steps(figure, rows)            how many rows the up and down keys go
//   draw(figure, rows, state, room)  marks and scales for a chart `room` pixels wide
(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("live-data").textContent);
  const tags = data.languages.map((language) => language.tag);
  const language = new Map(data.languages.map((one) => [one.tag, one]));
  // kinds take their colours from the page's style, which has them for both themes; magnitudes as in the pictures:
  // orange below 0, violet above
  const COLOURS = {
    own: "var(--accent)",
    warm: "var(--orange)",
    random: "var(--faint)",
    permuted: "var(--ochre)",
    viridis: d3.interpolateViridis,
    YlGnBu: d3.interpolateYlGnBu,
    PuOr: (at) => d3.interpolatePuOr(1 - at),
  };

  // Packed numbers: 16-bit integers in units of `step`, little-endian, in base64; the least integer is "not measured".
  function unpack(packed) {
    const bytes = Uint8Array.from(atob(packed.data), (letter) => letter.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    const numbers = new Float64Array(bytes.length / 2);
    for (let at = 0; at < numbers.length; at += 1) {
      const whole = view.getInt16(2 * at, true);
      numbers[at] = whole === -32768 ? NaN : Number((whole * packed.step).toPrecision(6));
    }
    const strides = packed.shape.map((_, axis) => packed.shape.slice(axis + 1).reduce((a, b) => a * b, 1));
    return (...place) => numbers[place.reduce((sum, index, axis) => sum + index * strides[axis], 0)];
  }

  data.figures.forEach((figure) => {
    Object.keys(figure).forEach((name) => {
      const value = figure[name];
      if (value && typeof value.data === "string") figure[name] = unpack(value);
    });
    (figure.series || []).forEach((series) => {
      series.values = unpack(series.values);
      if (series.without)
        series.without = Object.fromEntries(
          Object.entries(series.without).map(([kind, values]) => [kind, unpack(values)]),
        );
    });
  });

  function number(value, signed, digits) {
    if (!Number.isFinite(value)) return "–";
    const text = Math.abs(value).toFixed(digits === undefined ? 2 : digits);
    if (Number(text) === 0) return text;
    return (value < 0 ? "−" : signed ? "+" : "") + text;
  }

  function interval(row, signed) {
    if (!Number.isFinite(row.estimate)) return "not measured";
    if (!Number.isFinite(row.lower) || !Number.isFinite(row.upper))
      return number(row.estimate, signed) + " (no interval)";
    return `${number(row.estimate, signed)} [${number(row.lower, signed)}, ${number(row.upper, signed)}]`;
  }

  const named = (tag) =>
    language.has(tag) && language.get(tag).name !== tag ? `${language.get(tag).name} (${tag})` : tag;
  // which pairs are left out: "all" of them count, or one of the kinds in `excluded`; only some numbers are without them
  const excluded = data.excluded || {};
  const leavesOut = (figure) =>
    Object.keys(excluded).length > 0 && figure.series.some((series) => series.without) ? ["items"] : [];
  const isWithout = (series, state) => Boolean(series.without && series.without[state.items]);
  const itemStates = (figure, states) =>
    leavesOut(figure).length
      ? ["all", ...Object.keys(excluded)].flatMap((items) =>
          states.map((state) => Object.assign({}, state, { items: items })),
        )
      : states;
  const counted = (concept, tag, items) => {
    const from = excluded[items] || data;
    const pairs = from.pairs[data.concepts.indexOf(concept)][tags.indexOf(tag)];
    const groups = from.groups[data.concepts.indexOf(concept)][tags.indexOf(tag)];
    return { n: pairs, groups: groups };
  };
  const tested = (row) => `n = ${row.n}${row.groups === row.n ? "" : ` in ${row.groups} groups`}`;
  const levels = (figure) => (figure.layers ? ["chosen", ...figure.layers] : ["chosen"]);
  const layerWords = (level) => (level === "chosen" ? "chosen layer" : data.layer + " " + level);

  function ordered(state) {
    if (state.order === "share") return data.orders.share;
    if (state.order === "clustering") return data.orders.clustering[state.concept] || tags;
    return tags;
  }

  const three = (values, ...place) => ({
    estimate: values(...place, 0),
    lower: values(...place, 1),
    upper: values(...place, 2),
  });
  const conceptStates = (state) => data.concepts.map((concept) => Object.assign({}, state, { concept: concept }));
  // a scale as wide as `domain` at least, wider where a bound lies outside
  const reaching = (domain, rows) =>
    d3.extent([...domain, ...rows.flatMap((row) => [row.estimate, row.lower, row.upper])].filter(Number.isFinite));
  const narrow = (room) => room < 560;
  // size and margins of a chart of points or curves
  const framed = (room, rest) =>
    Object.assign(
      {
        width: Math.min(room, 760),
        height: narrow(room) ? 300 : 360,
        marginLeft: 50,
        marginTop: 26,
        marginBottom: 44,
        grid: true,
      },
      rest,
    );
  const tall = (room) => (narrow(room) ? 320 : 420);
  // the mark around the number that the keyboard has reached
  const ringed = (row, place, more) =>
    Plot.dot([row], Object.assign({ r: 8, stroke: "var(--ink)", strokeWidth: 2 }, place, more));
  const tagAxis = (order) => ({ domain: order, label: null, tickSize: 0 });

  window.polyvalues = {
    COLOURS,
    conceptStates,
    counted,
    data,
    excluded,
    framed,
    interval,
    isWithout,
    itemStates,
    leavesOut,
    language,
    layerWords,
    levels,
    named,
    narrow,
    number,
    ordered,
    reaching,
    ringed,
    tagAxis,
    tall,
    tags,
    tested,
    three,
    forms: {},
  };
})();
