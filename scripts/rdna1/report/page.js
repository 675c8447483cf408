"use strict";
// The page reads well without this; with it, its hosts can be filtered, sorted and opened.
(() => {
  const table = document.getElementById("fleet");
  const bodies = [...table.tBodies];
  const [filter, state, wave, odd, shown] = ["filter", "state", "wave", "odd", "shown"].map((id) => document.getElementById(id));
  // What is searched: a host's row, its groups and its failure, by the beginnings of words: `hang` is not in `changed`.
  const texts = new Map();
  const textOf = (body) => {
    if (!texts.has(body)) {
      const parts = [body.rows[0], ...body.querySelectorAll(".find")].map((one) => one.textContent);
      texts.set(body, ` ${parts.join(" ").toLowerCase().replace(/\s+/g, " ")}`);
    }
    return texts.get(body);
  };
  const begins = (text, word) => {
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1))
      if (at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1]) || !/[\p{L}\p{N}]/u.test(word[0])) return true;
    return false;
  };

  const apply = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const body of bodies) {
      const fits =
        (!state.value || body.dataset.state === state.value) &&
        (!wave.value || body.dataset.wave === wave.value) &&
        (!odd.checked || "odd" in body.dataset) &&
        words.every((word) => begins(textOf(body), word));
      body.hidden = !fits;
      count += fits;
    }
    shown.value = `${count} of ${bodies.length} hosts`;
  };
  for (const input of [filter, state, wave, odd]) input.addEventListener("input", apply);

  const keyOf = (body, column, kind) => {
    const cell = body.rows[0].cells[column];
    const text = cell.dataset.value ?? cell.textContent.trim();
    return kind === "text" ? text : text === "" ? -Infinity : Number(text);
  };
  const order = new Intl.Collator("en", { numeric: true });
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = head.querySelector("button");
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const kind = button.dataset.kind;
      const keys = new Map(bodies.map((body) => [body, keyOf(body, column, kind)]));
      const compare = kind === "text" ? order.compare : (a, b) => (a === b ? 0 : a < b ? -1 : 1);
      bodies.sort((a, b) => (down ? -1 : 1) * compare(keys.get(a), keys.get(b)));
      table.append(...bodies);
    });
  });

  const open = (body, wanted) => {
    const button = body.querySelector("button.open");
    button.setAttribute("aria-expanded", String(wanted));
    body.rows[1].hidden = !wanted;
  };
  table.addEventListener("click", (event) => {
    const button = event.target.closest("button.open");
    if (button) open(button.closest("tbody"), button.getAttribute("aria-expanded") !== "true");
  });

  // A link to a host opens it, also when a filter has hidden it.
  const follow = () => {
    const body = document.getElementById(location.hash.slice(1));
    if (!bodies.includes(body)) return;
    if (body.hidden) {
      filter.value = state.value = wave.value = "";
      odd.checked = false;
      apply();
    }
    open(body, true);
    body.scrollIntoView();
    body.querySelector("button.open").focus({ preventScroll: true });
  };
  addEventListener("hashchange", follow);
  follow();

  // Paper cannot be clicked.
  addEventListener("beforeprint", () => {
    for (const closed of document.querySelectorAll(".todo details")) closed.open = true;
  });

  for (const choice of document.querySelectorAll("input[name=theme]"))
    choice.addEventListener("change", () => {
      if (choice.value) document.documentElement.dataset.theme = choice.value;
      else delete document.documentElement.dataset.theme;
    });
})();
