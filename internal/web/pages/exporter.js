// Updates the countdowns and reloads the page. The page also works without it.
"use strict";
const length = seconds => {
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  return days > 0 ? `${days}\u00a0d ${hours}\u00a0h`
    : hours > 0 ? `${hours}\u00a0h ${minutes}\u00a0min`
    : minutes > 0 ? `${minutes}\u00a0min ${seconds % 60}\u00a0s`
    : `${seconds}\u00a0s`;
};
const count = () => {
  for (const time of document.querySelectorAll("time[data-count]")) {
    const left = Math.floor((Date.parse(time.dateTime) - Date.now()) / 1000);
    time.textContent = time.dataset.count === "up" ? `${length(Math.max(0, -left))} ago` : left > 0 ? `in ${length(left)}` : "now";
  }
};
setInterval(count, 1000);
const opened = Date.now();
const refresh = Number(document.documentElement.dataset.refresh) * 1000;
setInterval(() => {
  // Not while the user reads an opened section.
  if (Date.now() - opened >= refresh && !document.hidden && !document.querySelector("details[open]")) {
    location.reload();
  }
}, 1000);
