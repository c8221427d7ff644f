// Updates the page without reloading it: countdowns, states, plots. The page also works without it.
"use strict";
const root = document.documentElement;
const pad = number => String(number).padStart(2, "0");
const length = seconds => {
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  return days > 0 ? `${days}\u00a0d ${hours}\u00a0h`
    : hours > 0 ? `${hours}\u00a0h ${minutes}\u00a0min`
    : minutes > 0 ? `${minutes}\u00a0min ${seconds % 60}\u00a0s`
    : `${seconds}\u00a0s`;
};
const clock = date => `${pad(date.getHours())}:${pad(date.getMinutes())}`;
const day = date => `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
const zone = () => {
  const minutes = -new Date().getTimezoneOffset();
  return minutes === 0 ? "UTC" : `UTC${minutes < 0 ? "-" : "+"}${pad(Math.floor(Math.abs(minutes) / 60))}:${pad(Math.abs(minutes) % 60)}`;
};

// Countdowns, and times in the browser's zone.
const tell = () => {
  const now = new Date(Date.now());
  for (const time of document.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    if (time.dataset.future !== undefined) {
      const left = Math.floor((at - now) / 1000);
      const text = left > 0 ? time.dataset.future : time.dataset.past;
      time.textContent = text.replace("{}", length(Math.max(0, left > 0 ? left : -left - 1)));
    } else if (time.dataset.at !== undefined) {
      time.textContent = day(at) === day(now) ? clock(at) : `${day(at)} ${clock(at)}`;
    }
  }
  for (const name of document.querySelectorAll("[data-zone]")) {
    name.textContent = zone();
  }
};

// The plots of an account, when the user unfolds them.
const load = async details => {
  if (!details.open || details.dataset.state) {
    return;
  }
  details.dataset.state = "loading";
  try {
    const answer = await fetch(`${details.dataset.src}&offset=${-new Date().getTimezoneOffset()}`, { redirect: "error" });
    const plots = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".plots");
    if (plots) {
      for (const part of plots.querySelectorAll("[id]")) {
        part.id = `${details.id}-${part.id}`;
      }
      for (const part of plots.querySelectorAll("[aria-labelledby]")) {
        part.setAttribute("aria-labelledby", `${details.id}-${part.getAttribute("aria-labelledby")}`);
      }
      details.querySelector(":scope > :not(summary)").replaceWith(plots);
    }
    details.dataset.state = "loaded";
  } catch {
    delete details.dataset.state;
  }
};

// Which sections are unfolded, kept while the tab is open. A browser that blocks cookies has no storage.
const kept = (() => {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
})();
const arrange = part => {
  for (const details of part.querySelectorAll("details[id]")) {
    details.open = (kept?.getItem(details.id) ?? (details.open ? "open" : "folded")) === "open";
    details.addEventListener("toggle", () => {
      kept?.setItem(details.id, details.open ? "open" : "folded");
      if (details.dataset.src) {
        load(details);
      }
    });
    if (details.dataset.src) {
      load(details);
    }
  }
};

// What the server says about a part, without what changes in each response.
const content = part => {
  const copy = part.cloneNode(true);
  copy.querySelectorAll("time").forEach(time => time.textContent = "");
  copy.querySelectorAll("input[name=form]").forEach(input => input.remove());
  return copy.innerHTML;
};
const served = new Map();
const remember = () => document.querySelectorAll("[data-live]").forEach(part => served.set(part.id, content(part)));

const replace = next => {
  const parts = [...next.querySelectorAll("[data-live]")];
  const isSameList = parts.map(part => part.id).join() === [...document.querySelectorAll("[data-live]")].map(part => part.id).join();
  const focus = document.activeElement?.id;
  const news = [];
  for (const part of parts) {
    const before = document.getElementById(part.id);
    const said = content(part);
    if (served.get(part.id) !== said) {
      const badge = part.querySelector(".badge")?.textContent;
      if (badge && before?.querySelector(".badge")?.textContent !== badge) {
        news.push(`${part.querySelector("h2").textContent}: ${badge}.`);
      }
      served.set(part.id, said);
      if (isSameList) {
        const fresh = document.importNode(part, true);
        before.replaceWith(fresh);
        arrange(fresh);
      }
    } else if (isSameList) {
      // The times are new even if nothing else is.
      const [old, fresh] = [before.querySelectorAll("time"), part.querySelectorAll("time")];
      old.forEach((time, i) => time.dateTime = fresh[i].dateTime);
    }
  }
  // Not while the user types.
  if (!isSameList && !document.activeElement?.matches("input[type=text]")) {
    const main = document.importNode(next.querySelector("main"), true);
    document.querySelector("main").replaceWith(main);
    arrange(main);
  }
  const token = next.querySelector("input[name=form]")?.value;
  document.querySelectorAll("input[name=form]").forEach(input => input.value = token);
  if (focus && document.activeElement?.id !== focus) {
    document.getElementById(focus)?.focus();
  }
  document.title = next.title;
  root.dataset.refresh = next.documentElement.dataset.refresh;
  if (news.length > 0) {
    document.getElementById("news").textContent = news.join(" ");
  }
  tell();
};

const offline = document.getElementById("offline");
let [shown, tried] = [Date.now(), Date.now()];
const update = async () => {
  try {
    const answer = await fetch(location.href.split("#")[0], { redirect: "error", signal: AbortSignal.timeout(20000) });
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok || !next.querySelector("[data-live]")) {
      throw new Error(`status ${answer.status}`);
    }
    replace(next);
    shown = Date.now();
    offline.hidden = true;
  } catch {
    offline.textContent = `The exporter does not respond. This page is from ${clock(new Date(shown))}.`;
    offline.hidden = false;
  }
};
let updating;
setInterval(() => {
  tell();
  if (!updating && !document.hidden && Date.now() - tried >= Number(root.dataset.refresh) * 1000) {
    updating = update().finally(() => {
      updating = undefined;
      tried = Date.now();
    });
  }
}, 1000);

remember();
arrange(document);
tell();
// To the code of a login, where the answer to the login button points.
document.getElementById(location.hash.slice(1))?.focus();
