// The table of rows: search, filters, order, pages. Texts are set as text, never as markup.
{
  const PAGE = 25;
  const WHAT = ["right", "parameters", "intent", "malformed"];
  const HEAD = ["What", "Confidence", "Utterance", "Label", "Answer"];
  const field = (name) => document.getElementById(`row-${name}`);
  const rows = JSON.parse(document.getElementById("data").textContent).rows.map(
    ([what, utterance, label, answer, sure, intents, confused]) => ({
      what, utterance, label, answer, sure, confused,
      names: intents.map((name) => name.toLowerCase()),
      text: `${utterance}\n${label}\n${answer}`.toLowerCase(),
    }),
  );
  const body = document.querySelector("#row-table tbody");
  let pair = null; // [labelled, predicted] of the chosen cell of the matrix
  let page = 0;

  const fits = (row) => {
    const text = field("text").value.trim().toLowerCase();
    const intent = field("intent").value.trim().toLowerCase();
    const what = field("what").value;
    const most = field("sure").value === "" ? null : Number(field("sure").value);
    if (pair && !row.confused.some(([gold, guess]) => gold === pair[0] && guess === pair[1])) return false;
    if (what === "wrong" ? row.what === 0 : what !== "all" && row.what !== Number(what)) return false;
    if (most !== null && (row.sure === null || row.sure > most)) return false;
    return row.text.includes(text) && (!intent || row.names.some((name) => name.includes(intent)));
  };
  const ordered = (found) => {
    const sign = { most: -1, least: 1 }[field("order").value];
    return sign ? found.sort((a, b) => sign * ((a.sure ?? -1) - (b.sure ?? -1))) : found;
  };
  const tableRow = (row) => {
    const line = document.createElement("tr");
    const sure = row.sure === null ? "–" : row.sure.toFixed(3);
    [WHAT[row.what], sure, row.utterance, row.label, row.answer].forEach((text, i) => {
      const cell = line.insertCell();
      cell.textContent = text;
      cell.dataset.label = HEAD[i];
      cell.classList.toggle("number", i === 1);
    });
    return line;
  };
  const draw = () => {
    const found = ordered(rows.filter(fits));
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    page = Math.min(page, pages - 1);
    body.replaceChildren(...found.slice(page * PAGE, (page + 1) * PAGE).map(tableRow));
    const chosen = pair ? ` labelled ${pair[0]}, answered ${pair[1]}` : "";
    field("count").textContent =
      `${found.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows${chosen}; page ${page + 1} of ${pages}`;
    field("back").disabled = page === 0;
    field("on").disabled = page === pages - 1;
  };
  const again = () => {
    page = 0;
    draw();
  };
  const reset = () => {
    for (const name of ["text", "intent", "sure"]) field(name).value = "";
    field("what").value = "wrong";
    field("order").value = "harm";
    pair = null;
    again();
  };
  for (const name of ["text", "intent", "what", "sure", "order"]) field(name).addEventListener("input", again);
  field("reset").addEventListener("click", reset);
  field("back").addEventListener("click", () => { page -= 1; draw(); });
  field("on").addEventListener("click", () => { page += 1; draw(); });
  document.addEventListener("rows-of", (event) => {
    reset();
    pair = event.detail;
    again();
    document.getElementById("rows").scrollIntoView();
    field("text").focus({ preventScroll: true });
  });
  field("controls").hidden = false;
  document.querySelector(".pager").hidden = false;
  draw();
}
