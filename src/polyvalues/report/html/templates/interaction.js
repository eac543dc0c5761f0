// Puts the interactive form of each figure in place of its picture: choices, hover, keyboard, table, download.
// Text from the data is only ever set as text, never as markup. A figure that fails keeps its picture.
(function () {
  "use strict";
  const { data, excluded, forms, named } = window.polyvalues;
  const LABELS = {
    concept: "concept",
    layer: "layer",
    order: "order of languages",
    quantity: "quantity",
    highlight: "language",
    of: "quantity",
    kind: "kinship",
    table: "distances",
    coefficient: "coefficient",
    form: "correlation",
    target: "language",
    damage: "damage",
    trait: "trait",
    mixture: "mixture of languages",
    items: "pairs",
  };
  // where a figure lists what can be chosen
  const LISTS = {
    of: "of",
    kind: "kinds",
    table: "tables",
    coefficient: "coefficients",
    form: "forms",
    damage: "damages",
    trait: "traits",
    mixture: "mixtures",
  };
  const orders = { family: "by family" };
  if (data.orders.share) orders.share = "by training share";
  if (Object.keys(data.orders.clustering).length) orders.clustering = "by clustering of vectors";
  const state = { concept: data.concepts[0], layer: "chosen", order: "family", highlight: "" };
  const live = [];

  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    Object.entries(attributes || {}).forEach(([name, value]) => element.setAttribute(name, value));
    element.append(...children);
    return element;
  }

  // value -> words, for one choice of one figure
  function offered(figure, name) {
    const same = (values) => new Map(values.map((value) => [String(value), String(value)]));
    if (name === "concept") return same(figure.slopes || figure.concepts || data.concepts);
    if (data.languages.length < 2 && (name === "order" || name === "highlight")) return new Map([["", ""]]);
    if (name === "items")
      return new Map([["all", "all"], ...Object.entries(excluded).map(([kind, one]) => [kind, one.words])]);
    if (name === "order") return new Map(Object.entries(orders));
    if (name === "quantity") return same(figure.series.map((series) => series.name));
    if (name === "highlight") {
      const none = figure.form === "curves" ? "highest and lowest" : "all";
      return new Map([["", none], ...data.languages.map((one) => [one.tag, named(one.tag)])]);
    }
    if (name === "target") return new Map(figure.targets.map((target) => [target, named(target)]));
    if (name === "layer") {
      const layers = figure.series.find((series) => series.layers).layers;
      return new Map([["chosen", "chosen"], ...layers.map((layer) => [String(layer), String(layer)])]);
    }
    return same(figure[LISTS[name]]);
  }

  // choices that one figure alone has are kept apart by its name
  const shared = ["concept", "layer", "order", "highlight", "target", "items"];
  const key = (figure, name) => (shared.includes(name) ? name : figure.name + "." + name);

  function stateOf(figure) {
    const own = { layer: "chosen" };
    forms[figure.form].choices(figure).forEach((name) => {
      const values = [...offered(figure, name).keys()];
      const wanted = state[key(figure, name)];
      own[name] = values.includes(wanted) ? wanted : values[0];
    });
    return own;
  }

  function controls(part) {
    const box = make("div", { class: "choices" });
    forms[part.figure.form].choices(part.figure).forEach((name) => {
      const values = offered(part.figure, name);
      if (values.size < 2) return;
      const select = make("select", { name: name });
      values.forEach((words, value) => {
        const option = make("option", { value: value });
        option.textContent = words;
        select.append(option);
      });
      select.addEventListener("change", () => {
        state[key(part.figure, name)] = select.value;
        live
          .filter((other) => other.selects.some((one) => key(other.figure, one.name) === key(part.figure, name)))
          .forEach(refresh);
      });
      part.selects.push(select);
      box.append(make("label", {}, LABELS[name], select));
    });
    return box;
  }

  function refresh(part) {
    const own = stateOf(part.figure);
    part.selects.forEach((select) => {
      select.value = own[select.name];
    });
    part.at = -1;
    part.stale = true;
    if (part.near) draw(part);
  }

  function draw(part) {
    const form = forms[part.figure.form];
    const own = stateOf(part.figure);
    const rows = form.rows(part.figure, own);
    const room = Math.max(240, part.chart.clientWidth);
    const view = form.draw(part.figure, rows, own, room);
    part.rows = (view.seen || rows).filter((row) => row.estimate === undefined || Number.isFinite(row.estimate));
    part.width = form.steps(part.figure, part.rows);
    const marked = part.rows[part.at];
    const tip = Plot.tip(
      part.rows,
      Plot.pointer(
        Object.assign({}, view.position, {
          title: (row) => form.say(part.figure, row),
          maxRadius: 60,
          lineWidth: 24,
          fontSize: 12,
        }),
      ),
    );
    const plot = Plot.plot(
      Object.assign({}, view.plot, {
        marks: [...view.plot.marks, marked ? view.mark(marked) : null, tip],
        style: { background: "none", fontSize: "12px", overflow: "visible", maxWidth: "100%" },
      }),
    );
    plot.setAttribute("aria-hidden", "true");
    plot.addEventListener("input", () => {
      if (plot.value) say(part, plot.value);
    });
    const above = [];
    if (view.legend) above.push(Plot.legend(Object.assign({ style: { background: "none" } }, view.legend)));
    if (view.swatches) above.push(Plot.legend(view.swatches));
    above.forEach((legend) => legend.setAttribute("aria-hidden", "true"));
    part.chart.replaceChildren(...above, plot);
    part.caption.textContent = form.caption(part.figure, own, rows) + (view.note ? " " + view.note : "");
    part.stale = false;
    part.drawn = room;
    if (part.table.open) fill(part);
  }

  function say(part, row) {
    part.readout.textContent = forms[part.figure.form].say(part.figure, row);
  }

  function step(part, event) {
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: part.width, ArrowUp: -part.width }[event.key];
    if (event.key === "Escape" && part.at >= 0) {
      part.at = -1;
      part.readout.textContent = "";
      draw(part);
    }
    if (!by || !part.rows.length) return;
    event.preventDefault();
    const next = part.at < 0 ? 0 : part.at + by;
    if (next < 0 || next >= part.rows.length) return;
    part.at = next;
    draw(part);
    say(part, part.rows[part.at]);
  }

  // ---- table and download -----------------------------------------------------------------------------------------
  const written = (value) => (value === undefined || value === null || Number.isNaN(value) ? "" : String(value));

  function fill(part) {
    const form = forms[part.figure.form];
    const heads = form.heads(part.figure);
    const body = make("tbody");
    form.rows(part.figure, stateOf(part.figure)).forEach((row) => {
      const line = make("tr");
      heads.forEach((head) => {
        const cell = make("td");
        const value = row[head];
        cell.textContent =
          typeof value === "number" && Number.isNaN(value)
            ? "–"
            : typeof value === "number"
              ? written(Number(value.toFixed(4))).replace("-", "−")
              : written(value);
        line.append(cell);
      });
      body.append(line);
    });
    const top = make("tr");
    heads.forEach((head) => top.append(make("th", { scope: "col" }, head.replace(/_/g, " "))));
    const caption = make("caption");
    caption.textContent = part.caption.textContent;
    const table = make("table", {}, caption, make("thead", {}, top), body);
    part.holder.replaceChildren(
      make(
        "div",
        { class: "scroll tall", tabindex: "0", role: "region", "aria-label": "What is shown, as a table" },
        table,
      ),
    );
  }

  // as in the CSV files beside the page: what a spreadsheet would run as a formula gets an apostrophe in front
  function field(value) {
    let text = written(value);
    if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) text = "'" + text;
    return /[",\n\r]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
  }

  function csv(figure) {
    const form = forms[figure.form];
    const heads = form.heads(figure);
    const lines = [heads.join(",")];
    form.all(figure, stateOf(figure)).forEach((one) => {
      form.rows(figure, one).forEach((row) => lines.push(heads.map((head) => field(row[head])).join(",")));
    });
    return lines.join("\n") + "\n";
  }

  function download(figure) {
    const address = URL.createObjectURL(new Blob([csv(figure)], { type: "text/csv" }));
    make("a", { href: address, download: figure.name + ".csv" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  // ---- into the page ----------------------------------------------------------------------------------------------
  function place(figure) {
    const element = document.getElementById("figure-" + figure.name);
    if (!element) return;
    const part = { figure: figure, selects: [], at: -1, rows: [], near: false, stale: true };
    const help = figure.name + "-help";
    part.chart = make("div", {
      class: "chart",
      tabindex: "0",
      role: "group",
      "aria-label": "Chart: " + figure.name,
      "aria-describedby": help,
    });
    part.caption = make("p", { class: "note", "aria-live": "polite" });
    part.readout = make("output", { class: "readout", "aria-live": "polite" });
    part.holder = make("div");
    part.table = make("details", { class: "shown" }, make("summary", {}, "What is shown, as a table"), part.holder);
    const button = make("button", { type: "button" }, "Download CSV");
    const keys = make(
      "p",
      { class: "unseen", id: help },
      "Arrow keys step through the numbers, Escape leaves. The table below has them all.",
    );
    part.box = make(
      "div",
      { class: "live" },
      controls(part),
      part.caption,
      part.chart,
      part.readout,
      keys,
      make("div", { class: "below" }, button, part.table),
    );
    button.addEventListener("click", () => download(figure));
    part.table.addEventListener("toggle", () => part.table.open && fill(part));
    part.chart.addEventListener("keydown", (event) => step(part, event));
    element.prepend(part.box);
    element.classList.add("lively");
    try {
      refresh(part);
      draw(part);
    } catch (error) {
      part.box.remove();
      element.classList.remove("lively");
      throw error;
    }
    live.push(part);
    sizes.observe(part.chart);
    sight.observe(element);
  }

  const sizes = new ResizeObserver((entries) => {
    entries.forEach((entry) => {
      const part = live.find((one) => one.chart === entry.target);
      if (part && Math.abs(Math.max(240, entry.contentRect.width) - part.drawn) > 1)
        requestAnimationFrame(() => draw(part));
    });
  });
  const sight = new IntersectionObserver(
    (entries) => {
      entries.forEach((entry) => {
        const part = live.find((one) => "figure-" + one.figure.name === entry.target.id);
        part.near = entry.isIntersecting;
        if (part.near && part.stale) draw(part);
      });
    },
    { rootMargin: "600px" },
  );

  data.figures.forEach((figure) => {
    try {
      place(figure);
    } catch (error) {
      console.error("figure " + figure.name + " stays a picture: " + error);
    }
  });
})();
