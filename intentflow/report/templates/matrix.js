// The confusion matrix: only cells that hold rows are made, so that 150 intents stay quick.
{
  const { matrix, rows } = JSON.parse(document.getElementById("data").textContent);
  const root = document.getElementById("matrix");
  const LABELLED = 13; // pixels of a cell from which on names have room
  const NUMBERED = 18;
  const SIZES = [20, 40, 80];
  const EXAMPLES = 5;

  const start = () => {
    const { names, right, support, pairs } = matrix;
    const field = (name) => document.getElementById(`matrix-${name}`);
    const grid = root.querySelector(".grid");
    const harm = names.map(() => 0);
    const partners = names.map(() => new Set());
    for (const [gold, guess, count] of pairs) {
      harm[gold] += count;
      harm[guess] += count;
      partners[gold].add(guess);
      partners[guess].add(gold);
    }
    const top = Math.max(...pairs.map((pair) => pair[2]));
    const counts = new Map(pairs.map(([gold, guess, count]) => [`${gold} ${guess}`, count]));
    let cells = [];

    const chosen = () => {
      const text = field("filter").value.trim().toLowerCase();
      const every = names.map((_, i) => i);
      if (text) {
        const hits = every.filter((i) => names[i].toLowerCase().includes(text));
        const near = new Set(hits.flatMap((i) => [i, ...partners[i]]));
        return every.filter((i) => near.has(i));
      }
      const most = every.slice().sort((a, b) => harm[b] - harm[a]).slice(0, Number(field("size").value));
      return every.filter((i) => most.includes(i));
    };
    const inOrder = (shown) => {
      const order = field("order").value;
      if (order === "name") return shown.sort((a, b) => names[a].localeCompare(names[b]));
      return order === "harm" ? shown.sort((a, b) => harm[b] - harm[a]) : shown;
    };
    const put = (element, kind, row, column) => {
      element.className = kind;
      element.style.gridArea = `${row} / ${column}`;
      grid.append(element);
      return element;
    };
    const name = (kind, intent, row, column) => {
      const box = put(document.createElement("div"), kind, row, column);
      const text = document.createElement("span");
      text.textContent = box.title = names[intent];
      box.append(text);
    };
    // Tones near the middle would leave neither dark nor light figures readable on them.
    const tone = (share) => (share < 0.5 ? 0.14 + 0.8 * share : 0.78 + 0.44 * (share - 0.5));
    const cell = (gold, guess, count, row, column) => {
      const button = put(document.createElement("button"), "cell", row + 2, column + 2);
      const same = gold === guess;
      const share = same ? 0.25 * (count / (support[gold] || count)) : Math.sqrt(count / top);
      button.type = "button";
      button.tabIndex = -1;
      button.textContent = Number(field("zoom").value) >= NUMBERED ? count : "";
      button.style.background = `rgb(var(${same ? "--match" : "--heat"}) / ${tone(share).toFixed(2)})`;
      button.classList.toggle("strong", share >= 0.5);
      button.ariaLabel = same
        ? `${names[gold]}: ${count} right`
        : `labelled ${names[gold]}, predicted ${names[guess]}: ${count} rows`;
      button.dataset.gold = names[gold];
      button.dataset.predicted = names[guess];
      cells.push({ button, gold, guess, count, row, column });
    };
    const draw = () => {
      const shown = inOrder(chosen());
      const at = new Map(shown.map((intent, i) => [intent, i]));
      const size = Number(field("zoom").value);
      const named = size >= LABELLED;
      grid.replaceChildren();
      cells = [];
      grid.classList.toggle("tiny", !named);
      grid.style.setProperty("--count", shown.length);
      grid.style.setProperty("--cell", `${size}px`);
      put(document.createElement("div"), "corner", 1, 1);
      shown.forEach((intent, i) => {
        name("row", intent, i + 2, 1);
        name("column", intent, 1, i + 2);
        const line = put(document.createElement("div"), "line", i + 2, 1);
        line.style.gridColumn = `2 / span ${shown.length}`;
        if (right[intent]) cell(intent, intent, right[intent], i, i);
      });
      for (const [gold, guess, count] of pairs) {
        if (at.has(gold) && at.has(guess)) cell(gold, guess, count, at.get(gold), at.get(guess));
      }
      cells.sort((a, b) => a.row - b.row || a.column - b.column);
      if (cells.length) cells[0].button.tabIndex = 0;
      field("status").textContent = shown.length
        ? `${shown.length} of ${names.length} confused intents`
        : "No confused intent has this in its name.";
    };

    const point = (found) => {
      for (const element of grid.querySelectorAll(".lit")) element.classList.remove("lit");
      if (!found) return;
      for (const kind of ["row", "column"]) {
        grid.querySelectorAll(`.${kind}`)[found[kind]]?.classList.add("lit");
      }
      field("status").textContent = found.button.ariaLabel;
    };
    const cellOf = (event) => cells.find((one) => one.button === event.target.closest(".cell"));
    const goTo = (found) => {
      for (const one of cells) one.button.tabIndex = -1;
      found.button.tabIndex = 0;
      found.button.focus();
    };
    const nearestRow = (from, step) => {
      const ahead = cells.filter((one) => Math.sign(one.row - from.row) === step);
      const far = (one) => Math.abs(one.row - from.row) * 1e4 + Math.abs(one.column - from.column);
      return ahead.sort((a, b) => far(a) - far(b))[0];
    };
    const target = (key, from) => {
      const i = cells.indexOf(from);
      return {
        ArrowRight: () => cells[i + 1], ArrowLeft: () => cells[i - 1],
        ArrowDown: () => nearestRow(from, 1), ArrowUp: () => nearestRow(from, -1),
        Home: () => cells[0], End: () => cells.at(-1),
      }[key]?.();
    };
    const rowsOf = (found) =>
      rows.filter((row) => row[6].some(([gold, guess]) => gold === names[found.gold] && guess === names[found.guess]));
    const line = (parent, tag, text) => {
      const element = document.createElement(tag);
      element.textContent = text;
      parent.append(element);
      return element;
    };
    const tell = (found) => {
      const detail = field("detail");
      detail.replaceChildren();
      detail.hidden = false;
      for (const one of cells) one.button.setAttribute("aria-pressed", String(one === found));
      const [gold, guess] = [names[found.gold], names[found.guess]];
      if (found.gold === found.guess) {
        line(detail, "h3", gold);
        line(detail, "p", `${found.count} of ${support[found.gold]} right.`);
        return;
      }
      line(detail, "h3", `${gold} → ${guess}`);
      const back = counts.get(`${found.guess} ${found.gold}`) ?? 0;
      const of = support[found.gold] ? ` of ${support[found.gold]}` : "";
      line(detail, "p", `${found.count}${of} labelled ${gold} were answered ${guess}; ${back} the other way.`);
      const listed = rowsOf(found);
      const given = pairs.find((pair) => pair[0] === found.gold && pair[1] === found.guess)[3];
      const texts = listed.length ? listed.map((row) => row[1]) : given ? [given] : [];
      const list = line(detail, "ul", "");
      for (const text of texts.slice(0, EXAMPLES)) line(list, "li", text);
      if (!listed.length) return;
      const button = line(detail, "button", listed.length === 1 ? "Show its row" : `Show its ${listed.length} rows`);
      button.type = "button";
      button.addEventListener("click", () =>
        document.dispatchEvent(new CustomEvent("rows-of", { detail: [gold, guess] })));
    };

    for (const size of SIZES.filter((size) => size < names.length)) {
      field("size").append(new Option(`the ${size} most confused intents`, size));
    }
    field("size").append(new Option(`all ${names.length} confused intents`, names.length));
    field("size").value = names.length <= 40 ? names.length : 40;
    field("zoom").value = names.length <= 20 ? 28 : 20;
    for (const control of ["size", "order", "filter", "zoom"]) field(control).addEventListener("input", draw);
    grid.addEventListener("mouseover", (event) => point(cellOf(event)));
    grid.addEventListener("focusin", (event) => point(cellOf(event)));
    grid.addEventListener("click", (event) => {
      const found = cellOf(event);
      if (!found) return;
      goTo(found);
      tell(found);
    });
    grid.addEventListener("keydown", (event) => {
      const found = cellOf(event);
      const next = found && target(event.key, found);
      if (!next) return;
      event.preventDefault();
      goTo(next);
    });
    root.hidden = false;
    draw();
  };
  if (root) start();
}
