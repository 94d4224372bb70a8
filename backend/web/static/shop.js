"use strict";

document.documentElement.classList.add("js");

const SETTLE_MS = 150; // a slider on its way sends one question, not twenty
const RETRY_MS = 3000;

// A part of the page that the server renders again: when asked, and for as long as what it holds has data-again (ms).
class Part {
  constructor(element) {
    this.element = element;
    this.url = element.dataset.fragment;
    this.status = document.getElementById(element.dataset.status);
    this.wait();
  }

  wait() {
    const again = this.element.querySelector("[data-again]");
    if (again) this.schedule(Number(again.dataset.again));
  }

  schedule(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(), milliseconds);
  }

  async load() {
    clearTimeout(this.timer);
    this.request?.abort();
    const request = (this.request = new AbortController());
    if (document.hidden) return this.schedule(RETRY_MS);
    this.element.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(this.url, { signal: request.signal });
      if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
      this.show(await response.text());
    } catch (error) {
      if (request.signal.aborted) return;
      this.say("No answer from the shop; what you see is from before.");
      this.schedule(RETRY_MS);
    }
    this.element.removeAttribute("aria-busy");
  }

  show(html) {
    // Whoever is on a button in here would lose it.
    if (!this.element.contains(document.activeElement) && html !== this.html) {
      this.element.innerHTML = this.html = html;
      this.say(this.element.querySelector("[data-summary]")?.dataset.summary ?? "");
    }
    this.wait();
  }

  say(sentence) {
    if (this.status) this.status.textContent = sentence;
  }
}

const parts = new Map();
for (const element of document.querySelectorAll("[data-fragment]")) parts.set(element.id, new Part(element));

for (const form of document.querySelectorAll("form[data-steers]")) {
  const part = parts.get(form.dataset.steers);
  const path = part.url.split("?")[0];
  const ask = (milliseconds) => {
    const query = new URLSearchParams(new FormData(form));
    part.url = `${path}?${query}`;
    part.schedule(milliseconds);
    if (form.method === "get") history.replaceState(null, "", `?${query}`);
  };
  form.addEventListener("input", (event) => {
    const output = form.querySelector(`output[for="${event.target.id}"]`);
    if (output) output.value = Number(event.target.value).toFixed(2);
    ask(SETTLE_MS);
  });
  // A form that is posted shows by its part what it would do, and is still sent to the server to do it.
  if (form.method !== "get") continue;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(0);
  });
}

for (const form of document.querySelectorAll("form[data-busy]")) {
  const busy = form.querySelector(".busy");
  let timer;
  form.addEventListener("submit", () => {
    timer = setTimeout(() => (busy.hidden = false), 700);
  });
  addEventListener("pageshow", () => {
    clearTimeout(timer);
    busy.hidden = true;
  });
}
