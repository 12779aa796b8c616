// Keeps what receivers change on the shop's pages fresh. Payments need no script of the shop's: athm has its own.
"use strict";

const EVERY = 1000;

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { cache: "no-store" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const [live, now] = [document, fresh].map((page) => page.getElementById("live"));
  if (now && live.innerHTML !== now.innerHTML) live.innerHTML = now.innerHTML;
}

async function follow() {
  // The shop may be restarting: the next look comes soon.
  await refresh().catch(console.warn);
  setTimeout(follow, EVERY);
}

if (document.getElementById("live")) follow();
document.addEventListener("visibilitychange", () => refresh().catch(console.warn));
