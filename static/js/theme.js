// Loaded before the page is drawn: without a chosen theme (cookie "theme") the page follows the system.
(() => {
  const root = document.documentElement;
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const YEAR_SECONDS = 31536000;

  const chosen = () => (document.cookie.match(/(?:^|; )theme=(light|dark)(?:;|$)/) || [])[1] || "auto";

  function apply() {
    const theme = chosen();
    root.dataset.bsTheme = theme === "auto" ? (systemDark.matches ? "dark" : "light") : theme;
    for (const button of document.querySelectorAll("form.theme button")) {
      button.setAttribute("aria-pressed", String(button.value === theme));
    }
  }

  function choose(theme) {
    const age = theme === "auto" ? 0 : YEAR_SECONDS;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${theme}; Path=/; Max-Age=${age}; SameSite=Lax${secure}`;
    apply();
  }

  root.dataset.script = "";
  apply();
  systemDark.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", apply);
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form.theme")) return;
    event.preventDefault();
    choose(event.submitter.value);
  });
})();
