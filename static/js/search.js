// The search dialog over every page: Ctrl-K or ⌘-K opens it, arrows walk through the hits, Enter follows one, Escape
// closes it. Without a script the link that opens it leads to the search page.
(() => {
  const dialog = () => document.getElementById("search");

  function open() {
    if (dialog().open) return;
    dialog().showModal();
    dialog().querySelector("input").select();
  }

  function walk(step) {
    const stops = [dialog().querySelector("input"), ...dialog().querySelectorAll("a.hit")];
    const next = stops.indexOf(document.activeElement) + step;
    stops[(next + stops.length) % stops.length].focus();
  }

  document.addEventListener("keydown", (event) => {
    if (!dialog()) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    } else if (dialog().open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      walk(event.key === "ArrowDown" ? 1 : -1);
    }
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("a[data-open-search]") && dialog() && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      open();
    } else if (event.target === dialog() || event.target.closest("[data-close-search]")) {
      dialog().close();
    }
  });
})();
