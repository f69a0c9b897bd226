// The table of rows: search, filters, order, pages, and corrections to save. Texts are set as
// text, never as markup.
{
  const PAGE = 25;
  const WHAT = ["right", "parameters", "intent", "malformed"];
  const HEAD = ["What", "Confidence", "Utterance", "Label", "Answer", "Correct"];
  const field = (name) => document.getElementById(`row-${name}`);
  const data = JSON.parse(document.getElementById("data").textContent);
  const rows = data.rows.map(
    ([what, utterance, label, answer, sure, intents, confused, complete]) => ({
      what, utterance, label, answer, sure, confused, complete,
      correct: "",
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
  const corrected = () => rows.filter((row) => row.correct);
  const countCorrections = () => {
    const count = corrected().length;
    field("save").disabled = count === 0;
    field("save").textContent = `Save ${count} correction${count === 1 ? "" : "s"}`;
  };
  const correction = (row) => {
    const input = document.createElement("input");
    input.value = row.correct;
    input.placeholder = row.complete ? row.label : "too long for this page";
    input.disabled = !row.complete;
    input.setAttribute("aria-label", `Correct calls of: ${row.utterance}`);
    input.addEventListener("input", () => {
      row.correct = input.value.trim();
      countCorrections();
    });
    return input;
  };
  const save = () => {
    const time = new Date().toISOString();
    const line = (row) => ({
      request_id: `evaluation-${data.about.id}-${rows.indexOf(row) + 1}`,
      time,
      model_digest: data.about.model_digest,
      prompt_digest: data.about.prompt_digest,
      instruction: row.utterance,
      output: row.correct,
      prediction: row.answer,
    });
    const lines = corrected().map((row) => `${JSON.stringify(line(row))}\n`);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
    link.download = "corrections.jsonl";
    link.click();
    URL.revokeObjectURL(link.href);
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
    const cell = line.insertCell();
    cell.className = "correct";
    cell.dataset.label = HEAD.at(-1);
    cell.append(correction(row));
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
  field("save").addEventListener("click", save);
  const head = document.createElement("th");
  head.textContent = HEAD.at(-1);
  document.querySelector("#row-table thead tr").append(head);
  field("controls").hidden = false;
  document.querySelector(".pager").hidden = false;
  countCorrections();
  draw();
}
