// Before anything is drawn: Airflow's theme (next-themes keeps it in localStorage under "theme"), else the system's.
(() => {
  const root = document.documentElement;
  const follow = () => {
    let chosen = null;
    try { chosen = localStorage.getItem("theme"); } catch { /* no storage: the system's theme */ }
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
    else delete root.dataset.theme;
  };
  follow();
  addEventListener("storage", (event) => { if (event.key === "theme" || event.key === null) follow(); });
  if (window.parent !== window) root.dataset.framed = "";
})();
