"use strict";
const form = document.getElementById("filter");
const none = document.getElementById("none");
const cases = [...document.querySelectorAll(".case")];
function show() {
  const kind = form.elements.show.value;
  const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
  let seen = 0;
  for (const it of cases) {
    const passed = it.classList.contains("passed");
    const fits = kind === "all" || passed === (kind === "passed");
    it.hidden = !(fits && words.every((word) => it.dataset.find.includes(word)));
    seen += !it.hidden;
  }
  none.hidden = seen > 0;
}
form.hidden = false;
form.addEventListener("input", show);
form.addEventListener("submit", (event) => event.preventDefault());
show();
