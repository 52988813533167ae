// The boxes of a list: one for all of the page, and how many are chosen. Without it the boxes work one by one.
(() => {
  const form = document.querySelector("[data-selection]");
  if (!form) return;
  const boxes = [...document.querySelectorAll(`input[type=checkbox][form="${form.id}"]`)];
  const all = form.querySelector("[data-all]");
  const count = form.querySelector("[data-count]");
  const [chosen] = form.elements.scope;

  const tell = () => {
    const number = boxes.filter((box) => box.checked).length;
    count.textContent = ` (${number})`;
    all.checked = number === boxes.length;
    all.indeterminate = number > 0 && !all.checked;
  };
  const choose = () => {
    chosen.checked = true;
    tell();
  };
  for (const box of boxes) box.addEventListener("change", choose);
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    choose();
  });
  // Browsers bring boxes back as they were when a page is shown again.
  window.addEventListener("pageshow", tell);
})();
