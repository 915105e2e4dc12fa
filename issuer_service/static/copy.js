"use strict";
const button = document.getElementById("copy");
const link = document.getElementById("link");
const told = document.getElementById("told");
if (navigator.clipboard) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(link.value);
      told.textContent = button.dataset.copied;
    } catch {
      link.select();
      told.textContent = button.dataset.failed;
    }
  });
}
