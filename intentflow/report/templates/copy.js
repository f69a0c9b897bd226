// Copies what a button carries. A page opened from a disk may not use the clipboard in every
// browser: then the text is laid out, selected, for the reader to copy.
const shown = (button, text) => {
  const area = document.createElement("textarea");
  area.value = text;
  area.readOnly = true;
  button.after(area);
  area.select();
  return document.execCommand("copy") ? area.remove() : undefined;
};
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.lines);
  } catch {
    shown(button, button.dataset.lines);
  }
  button.classList.add("done");
});
