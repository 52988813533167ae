// Copy buttons: <button data-copy> copies the text of the <code> beside it.
(() => {
  const SHOWN_MILLISECONDS = 1600;

  // The clipboard interface exists only over HTTPS and on localhost; elsewhere the selection is copied.
  async function copy(code) {
    if (navigator.clipboard) return navigator.clipboard.writeText(code.textContent);
    getSelection().selectAllChildren(code);
    if (!document.execCommand("copy")) throw new Error("copy refused");
  }

  function show(button, icon, label) {
    if (button.dataset.copy === "shown") return;
    button.dataset.copy = "shown";
    const use = button.querySelector("use");
    const [sprite, before] = use.getAttribute("href").split("#");
    const labelBefore = button.getAttribute("aria-label");
    use.setAttribute("href", `${sprite}#${icon}`);
    button.setAttribute("aria-label", label);
    document.getElementById("announce").textContent = label;
    setTimeout(() => {
      use.setAttribute("href", `${sprite}#${before}`);
      button.setAttribute("aria-label", labelBefore);
      document.getElementById("announce").textContent = "";
      button.dataset.copy = "";
    }, SHOWN_MILLISECONDS);
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    try {
      await copy(button.parentElement.querySelector("code"));
      show(button, "check", "Copied");
    } catch {
      show(button, "x", "The browser did not allow copying; select the text instead");
    }
  });
})();
