// Only niceties; the page is complete without them.
(() => {
  const section = document.getElementById("scenarios");
  const rows = [...section.querySelectorAll("li[data-verdict]")];
  if (rows.length === 0) return;

  const box = document.createElement("div");
  box.className = "filter";
  box.innerHTML = '<label for="q">Filter scenarios</label><input id="q" type="search" ' +
    'placeholder="expansion xfs fail …" autocomplete="off"><output for="q"></output>' +
    '<span class="minor"><kbd>/</kbd> filter, <kbd>n</kbd> next problem</span>';
  section.querySelector("h2").after(box);
  const input = box.querySelector("input");
  const output = box.querySelector("output");

  const apply = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const folder = row.closest(".folder");
      const text = (folder.querySelector("h3").textContent + "/" +
        row.querySelector("summary").textContent).toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    for (const folder of section.querySelectorAll(".folder")) {
      folder.hidden = !folder.querySelector("li[data-verdict]:not([hidden])");
      if (words.length > 0 && !folder.hidden) folder.open = true;
    }
    output.textContent = words.length > 0 ? shown + " of " + rows.length : "";
  };
  input.addEventListener("input", apply);

  const bad = rows.filter((row) => !["pass", "skip"].includes(row.dataset.verdict));
  let at = -1;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === input) {
      if (event.key === "Escape") { input.value = ""; apply(); input.blur(); }
      return;
    }
    if (event.key === "/") { event.preventDefault(); input.focus(); }
    if (event.key === "n" && bad.length > 0) {
      at = (at + 1) % bad.length;
      bad[at].closest(".folder").open = true;
      bad[at].querySelector("details").open = true;
      bad[at].querySelector("summary").focus();
      bad[at].scrollIntoView({ block: "start" });
    }
  });
})();
