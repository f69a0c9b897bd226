// The list of intents: the most harmed first, all on request, those that match a filter.
{
  const SHOWN = 20;
  const rows = [...document.getElementById("intent-rows").rows];
  const filter = document.getElementById("intent-filter");
  const all = document.getElementById("intent-all");
  const count = document.getElementById("intent-count");
  let complete = rows.length <= SHOWN;

  const draw = () => {
    const text = filter.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const fits = text ? row.dataset.name.includes(text) : complete || shown < SHOWN;
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    all.hidden = complete || text !== "";
    count.textContent = `${shown} of ${rows.length} intents`;
  };
  filter.addEventListener("input", draw);
  all.addEventListener("click", () => {
    complete = true;
    draw();
  });
  filter.closest(".controls").hidden = false;
  draw();
}
