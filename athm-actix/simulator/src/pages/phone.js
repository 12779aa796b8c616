// Keeps the phone up to date without a reload: the countdown alone most of the time, the whole when something changed.
"use strict";

const EVERY = 2000;

async function refresh() {
  const phone = document.getElementById("phone");
  try {
    const answer = await fetch("/", { cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    update(phone, page.getElementById("phone"));
    updateLog(page.getElementById("log"));
    say("");
  } catch {
    say("The simulator does not answer. Is it still running?");
  }
}

function update(phone, fresh) {
  if (fresh.dataset.revision === phone.dataset.revision) {
    const times = fresh.querySelectorAll("time");
    phone.querySelectorAll("time").forEach((time, place) => {
      time.textContent = times[place].textContent;
    });
  } else if (!phone.querySelector("button:active")) {
    // A button that is being pressed stays until it is released; the next refresh comes soon.
    const focused = document.activeElement?.id;
    phone.replaceWith(fresh);
    // The element that the address points to is a new one, which :target doesn't know.
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

function say(text) {
  const connection = document.getElementById("connection");
  if (connection.textContent !== text) connection.textContent = text;
}

setInterval(() => {
  if (!document.hidden) refresh();
}, EVERY);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});
