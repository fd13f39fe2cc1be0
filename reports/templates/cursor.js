// One cursor through all charts of a workload; the values are those of its table.
(() => {
  for (const [number, figure] of [...document.querySelectorAll("figure.workload")].entries()) {
    const rows = [...figure.querySelectorAll(".readings tbody tr")];
    const plots = figure.querySelector(".plots");
    const plot = plots.querySelector(".plot");
    if (rows.length < 2 || !plot) continue;
    const cursor = document.createElement("div");
    cursor.className = "cursor";
    cursor.hidden = true;
    plots.append(cursor);
    const box = document.createElement("div");
    box.className = "scrub";
    box.innerHTML = `<label for="at${number}">cursor</label>` +
      `<input id="at${number}" type="range" min="0" max="${rows.length - 1}" value="0">` +
      `<output for="at${number}"></output>`;
    plots.append(box);
    const input = box.querySelector("input");
    const output = box.querySelector("output");
    const keys = [...plots.querySelectorAll("[data-column]")].map((key) => [key.lastElementChild, +key.dataset.column]);

    const show = () => {
      const cells = rows[input.value].cells;
      const share = (+input.value + 0.5) / rows.length;
      const field = plot.getBoundingClientRect();
      cursor.style.left = field.left - plots.getBoundingClientRect().left + share * field.width + "px";
      cursor.hidden = false;
      output.textContent = "at " + cells[0].textContent;
      input.setAttribute("aria-valuetext", cells[0].textContent);
      for (const [value, column] of keys) value.textContent = cells[column].textContent;
    };
    input.addEventListener("input", show);
    plots.addEventListener("pointermove", (event) => {
      const field = plot.getBoundingClientRect();
      const share = (event.clientX - field.left) / field.width;
      if (share < 0 || share > 1 || box.contains(event.target)) return;
      input.value = Math.floor(share * rows.length);
      show();
    });
    addEventListener("resize", () => { if (!cursor.hidden) show(); });
  }
})();
