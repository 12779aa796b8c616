// The page's half of a payment: it reports to the shop's server what the customer did, and shows the outcome.
// Nothing here makes an order paid: athm asks the provider, and the shop's receivers do it.
"use strict";

const EVERY = 1000;
// The pauses before the result is posted again, in milliseconds.
const PAUSES = [1000, 2000, 4000, 8000, 16000];
const UNAVAILABLE = 503;
const checkout = document.getElementById("ATHMovil_Checkout_Button_payment");
let busy = false;

// The provider's script looks for this name and for the three functions below it.
const ATHM_Checkout = checkout && { ecommerceId: checkout.dataset.ecommerceId };

function authorizationATHM() {
  return act("You approved the payment. The shop takes the money now…", async () => {
    const authorization = await post(`${location.pathname}/authorize`);
    await report(await authorization.json());
  });
}

function cancelATHM(result) {
  return act("", () => report(result));
}

function expiredATHM(result) {
  // The provider's API says CANCEL to both; that this function was called distinguishes them.
  result.data.ecommerceStatus = "EXPIRED";
  return act("", () => report(result));
}

// Posts the result to athm, and posts it again while athm answers 503 or can't be reached: then it isn't recorded. Any
// other answer is final.
async function report(result) {
  const headers = { "Content-Type": "application/json" };
  const request = { method: "POST", headers, body: JSON.stringify(result) };
  for (const pause of PAUSES) {
    const answer = await fetch("/athm/callback", request).catch(() => null);
    if (answer && answer.status !== UNAVAILABLE) return accepted(answer);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return accepted(await fetch("/athm/callback", request));
}

async function post(path) {
  return accepted(await fetch(path, { method: "POST" }));
}

function accepted(answer) {
  if (!answer.ok) throw new Error(`${answer.url} answered ${answer.status}`);
  return answer;
}

async function act(message, work) {
  busy = true;
  say(message);
  try {
    await work();
  } catch (error) {
    console.error(error);
    say("That didn’t go through. Press “Check now” in a moment.");
  }
  busy = false;
  await refresh().catch(console.warn);
}

// Takes what has changed from a fresh copy of the page.
async function refresh() {
  if (busy || document.hidden) return;
  const answer = await fetch(location.href, { cache: "no-store" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const [live, now] = [document, fresh].map((page) => page.getElementById("live"));
  if (now && live.innerHTML !== now.innerHTML) live.innerHTML = now.innerHTML;
  // The way to pay goes when the payment has ended.
  if (!fresh.getElementById("pay")) document.getElementById("pay")?.remove();
}

function say(text) {
  const message = document.getElementById("message");
  if (message) message.textContent = text;
}

async function follow() {
  // The shop may be restarting: the next look comes soon.
  await refresh().catch(console.warn);
  setTimeout(follow, EVERY);
}

if (document.getElementById("live")) follow();
document.addEventListener("visibilitychange", () => refresh().catch(console.warn));
