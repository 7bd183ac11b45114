// Is what the page shows still true? Only the console's own answers are ever shown: an answer of Airflow's middleware, a
// login page or a proxy's page is no answer. A page that gets none freezes: grey, nothing ticks, and it says since when.
// It continues asking, by an element outside of what is replaced, and comes back by itself.
const connection = (() => {
  const OURS = "X-Tenancy-Console";
  const root = document.documentElement;
  const notice = document.getElementById("notice"), pulse = document.getElementById("pulse"), poller = document.getElementById("poller");
  let trueAt = new Date();

  const clock = () => `${trueAt.toISOString().slice(11, 19)} UTC`;
  const say = (text, tone) => {
    if (pulse.textContent !== text) { pulse.textContent = text; pulse.className = `live ${tone}`; }
  };
  const freeze = () => {
    root.dataset.stale = "";
    notice.querySelectorAll("[data-true-at]").forEach((element) => { element.textContent = clock(); });
    say(`as of ${clock()}`, "bad");
  };
  const lost = () => {
    const text = `${navigator.onLine ? "Can't reach Airflow." : "You are offline."} You are seeing data from ${clock()}; tenants may `
      + "have changed since. This page continues by itself as soon as Airflow responds. If that takes long, tell platform engineering.";
    if (notice.textContent !== text) {  // the same words are not announced again
      const line = document.createElement("p");
      line.className = "notice bad";
      line.textContent = text;
      notice.replaceChildren(line);
    }
    freeze();
  };
  const found = (response) => {
    const stated = Date.parse(response?.headers?.get("Date") ?? "");
    trueAt = Number.isNaN(stated) ? new Date() : new Date(stated);
    delete root.dataset.stale;
    notice.replaceChildren();
    say("live", "live");
  };
  const failed = (ctx) => {
    if (ctx?.sourceElement === poller) lost();
    else document.dispatchEvent(new CustomEvent("console:unanswered", { detail: ctx ?? {} }));
  };

  document.addEventListener("htmx:before:response", (event) => {
    if (event.detail.ctx.response.raw.headers.has(OURS)) return;
    event.preventDefault();
    failed(event.detail.ctx);
  });
  document.addEventListener("htmx:error", (event) => failed(event.detail?.ctx));
  document.addEventListener("htmx:after:swap", (event) => {
    const ctx = event.detail?.ctx;
    if (ctx?.sourceElement !== poller) return;  // what a dialog says is not about the page
    if (ctx.response.status < 400) found(ctx.response); else freeze();
  });
  addEventListener("offline", () => { if (document.getElementById("live")) lost(); });

  const isStale = () => "stale" in root.dataset;
  // A page that could not be shown: is there one now? Asked for beside it, so that a foreign answer does not take its place.
  const isThere = async () => {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      return answer.headers.has(OURS) && answer.status < 500;
    } catch { return false; }
  };
  return { poller, say, lost, isStale, isThere };
})();
