"use strict";
const copy = document.getElementById("copy");
const link = document.getElementById("link");
const told = document.getElementById("told");
if (navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(link.value);
      told.textContent = copy.dataset.copied;
    } catch {
      link.select();
      told.textContent = copy.dataset.failed;
    }
  });
}
const until = document.getElementById("until");
setTimeout(() => {
  until.textContent = until.dataset.over;
  document.querySelector(".qr").classList.add("over");
}, until.dataset.seconds * 1000);
