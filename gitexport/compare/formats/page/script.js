"use strict";
(() => {
  const find = (selector) => Array.from(document.querySelectorAll(selector));
  const form = document.querySelector("form");
  const search = document.querySelector("input[type=search]");
  const boxes = find("input[type=checkbox]");
  const output = document.querySelector("output");
  const sections = find("main > section");
  const documents = find("article").map((node) => ({
    node,
    kind: node.dataset.kind,
    entity: node.parentElement.dataset.entity.toLowerCase(),
    text: null,
  }));

  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kinds = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let shown = 0;
    for (const item of documents) {
      item.text ??= `${item.entity} ${item.node.textContent.toLowerCase()}`;
      const matches = kinds.has(item.kind) && words.every((word) => item.text.includes(word));
      item.node.hidden = !matches;
      shown += matches ? 1 : 0;
    }
    for (const section of sections) {
      section.hidden = !section.querySelector("article:not([hidden])");
    }
    const format = (number) => number.toLocaleString("en");
    output.textContent = `${format(shown)} of ${format(documents.length)} shown`;
  };

  const fold = (isOpen) => {
    for (const item of documents) {
      if (!item.node.hidden) item.node.firstElementChild.open = isOpen;
    }
  };

  let timer = 0;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(apply, 120);
  };
  search.addEventListener("input", later);
  for (const box of boxes) box.addEventListener("change", apply);
  document.getElementById("open").addEventListener("click", () => fold(true));
  document.getElementById("close").addEventListener("click", () => fold(false));
  form.addEventListener("submit", (event) => event.preventDefault());
  // Without this script there is nothing to filter with.
  form.hidden = false;
  apply();
})();
