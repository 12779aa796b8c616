// Refreshes the phone without a reload: only the countdowns, or everything when the revision changed.
"use strict";

const INTERVAL = 2000;

async function refresh() {
  const phone = document.getElementById("phone");
  try {
    const answer = await fetch("/", { cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    update(phone, page.getElementById("phone"));
    updateLog(page.getElementById("log"));
    showConnection("");
  } catch {
    showConnection("The simulator does not answer. Is it still running?");
  }
}

function update(phone, fresh) {
  if (fresh.dataset.revision === phone.dataset.revision) {
    const times = fresh.querySelectorAll("time");
    phone.querySelectorAll("time").forEach((time, place) => {
      time.textContent = times[place].textContent;
    });
  } else if (!phone.querySelector("button:active")) {
    // A button that is being pressed stays until the next refresh.
    const focused = document.activeElement?.id;
    phone.replaceWith(fresh);
    // :target doesn't match the replaced element.
    if (location.hash) document.getElementById(location.hash.slice(1))?.classList.add("target");
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }
}

function updateLog(fresh) {
  const log = document.getElementById("log");
  if (fresh.dataset.revision === log.dataset.revision || log.querySelector("button:active")) return;
  const focused = document.activeElement?.id;
  log.replaceWith(fresh);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function showConnection(text) {
  const connection = document.getElementById("connection");
  if (connection.textContent !== text) connection.textContent = text;
}

setInterval(() => {
  if (!document.hidden) refresh();
}, INTERVAL);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});
