"use strict";
// The page of a clean-up: plays, switches, shows a part of the waveform, and gives the plan back.
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);

  // The plan keeps its own text, so that what is saved differs from it in the switches alone.
  const planText = byId("plan").textContent.replace(/\\(u003c|[^])/g, (escape, what) =>
    what === "u003c" ? "<" : escape);
  const planLines = planText.split("\n");
  const firstLine = planLines.indexOf(' "proposals": [') + 1;
  const proposals = JSON.parse(planText).proposals;

  function currentPlan() {
    return planLines.map((line, i) => {
      const p = proposals[i - firstLine];
      // In a text, quotation marks are escaped: this is the field, whatever the words are.
      return p ? line.replace(/"on": (true|false)/, `"on": ${p.on}`) : line;
    }).join("\n");
  }

  // -- What becomes of each proposal, as marked_words.py says it --------------------------------
  const STATES = { keep: "kept", attenuate: "quieter", mute: "muted", shorten: "gone", cut: "gone" };
  const ORDER = ["kept", "quieter", "muted", "gone"];
  const stateOf = (p) => (p.on ? STATES[p.action] : "kept");
  const strongest = (states) => ORDER[Math.max(0, ...states.map((s) => ORDER.indexOf(s)))];
  const removes = (p) => p.action === "cut" || p.action === "shorten";
  const isActive = (p) => p.on && p.action !== "keep";

  const byName = new Map(proposals.map((p) => [p.id, p]));
  const rows = [...document.querySelectorAll("#rows li")];
  for (const row of rows) byName.get(row.dataset.p).row = row;
  for (const rect of document.querySelectorAll("#overview [data-p]")) byName.get(rect.dataset.p).rect = rect;
  const marks = new Map(proposals.map((p) => [p.id, []]));
  for (const mark of document.querySelectorAll("#transcript [data-p]")) {
    for (const id of mark.dataset.p.split(" ")) marks.get(id).push(mark);
  }

  function setState(element, state) {
    element.classList.remove(...ORDER);
    element.classList.add(state);
  }

  function showOne(p) {
    p.row.querySelector("input").checked = isActive(p);
    setState(p.row, stateOf(p));
    setState(p.rect, stateOf(p));
    for (const mark of marks.get(p.id)) {
      const state = strongest(mark.dataset.p.split(" ").map((id) => stateOf(byName.get(id))));
      setState(mark, state);
      showRole(mark, state);
    }
  }

  function showRole(mark, state) {
    if (state === "gone") mark.setAttribute("role", "deletion");
    else mark.removeAttribute("role");
  }

  // -- Sums ------------------------------------------------------------------------------------
  function clock(seconds) {
    const ticks = Math.round(seconds * 10);
    const two = (n) => String(n).padStart(2, "0");
    const [h, m, s] = [Math.floor(ticks / 36000), Math.floor(ticks / 600) % 60, Math.floor(ticks / 10) % 60];
    return `${h ? `${h}:${two(m)}` : m}:${two(s)}.${ticks % 10}`;
  }

  function removedSeconds() {
    let total = 0, reached = 0;
    for (const p of proposals) { // in order of their start
      if (!isActive(p) || !removes(p)) continue;
      total += Math.max(0, p.end - Math.max(p.start, reached));
      reached = Math.max(reached, p.end);
    }
    return total;
  }

  function showSums() {
    const removed = removedSeconds();
    const bold = document.createElement("b");
    bold.textContent = clock(removed);
    const number = proposals.filter(isActive).length;
    byId("sum").replaceChildren(bold, ` would go: ${clock(data.duration)} becomes ` +
      `${clock(data.duration - removed)}. ${number} of ${proposals.length} on.`);
    byId("too-much").hidden = removed <= data.mostSeconds;
    for (const line of document.querySelectorAll("#classes [data-kind]")) showClass(line);
    if (byId("export").open) byId("plan-text").value = currentPlan();
  }

  function showClass(line) {
    const all = proposals.filter((p) => p.kind === line.dataset.kind);
    const active = all.filter(isActive);
    const seconds = (list) => `${list.reduce((sum, p) => sum + p.end - p.start, 0).toFixed(1)} s`;
    const cell = (name) => line.querySelector(`[data-cell=${name}]`);
    cell("on").textContent = active.length;
    cell("removed").textContent = seconds(active.filter(removes));
    cell("altered").textContent = seconds(active.filter((p) => !removes(p)));
    const box = line.querySelector("input");
    const plain = all.filter(isPlain);
    box.disabled = all.every((p) => p.action === "keep");
    box.checked = active.length > 0 && plain.every((p) => p.on);
    box.indeterminate = active.length > 0 && !box.checked;
  }

  const isPlain = (p) => p.action !== "keep" && !p.concern;

  let isSaved = true;
  function switchTo(list, on) {
    const changed = list.filter((p) => p.action !== "keep" && p.on !== on);
    for (const p of changed) {
      p.on = on;
      showOne(p);
    }
    if (changed.length) isSaved = false;
    showSums();
    draw();
  }

  // -- Playing ---------------------------------------------------------------------------------
  const player = byId("player");
  let playing = null; // {p, side, then}

  function stop() {
    player.pause();
    if (playing) playing.p.row.querySelector(`[data-side="${playing.side}"]`).classList.remove("playing");
    playing = null;
  }

  function play(p, side, then = null) {
    stop();
    const sounds = data.snippets[p.id];
    if (!sounds) return;
    playing = { p, side, then };
    p.row.querySelector(`[data-side="${side}"]`).classList.add("playing");
    player.src = `data:audio/mpeg;base64,${sounds[side]}`;
    player.play().catch(() => {}); // Stopped before it began.
  }

  player.addEventListener("ended", () => {
    const { p, then } = playing ?? {};
    stop();
    if (then !== null && p) play(p, then);
  });
  const isPlaying = (p, side) => playing && playing.p === p && (side === undefined || playing.side === side);

  // -- Going through the list ------------------------------------------------------------------
  let picked = null;

  function pick(p, { scroll = true, focus = true } = {}) {
    if (picked) {
      picked.row.classList.remove("picked");
      picked.row.tabIndex = -1;
    }
    picked = p;
    p.row.classList.add("picked");
    p.row.tabIndex = 0;
    if (focus) p.row.focus({ preventScroll: true });
    if (scroll) p.row.scrollIntoView({ block: "nearest" });
    showTime(p.start, p.end);
  }

  function goOn(step) {
    const shown = proposals.filter((p) => !p.row.hidden);
    if (!shown.length) return;
    const at = shown.indexOf(picked);
    pick(shown[at < 0 ? 0 : Math.min(Math.max(at + step, 0), shown.length - 1)]);
  }

  function filter() {
    const kind = byId("kind").value;
    let number = 0;
    for (const p of proposals) {
      const shown = (!kind || p.kind === kind) && (!byId("only-concerns").checked || p.concern) &&
        (!byId("only-sound").checked || data.snippets[p.id]);
      p.row.hidden = !shown;
      number += shown ? 1 : 0;
    }
    byId("num-shown").textContent = `${number} of ${proposals.length} shown`;
  }

  // -- A part of the waveform ------------------------------------------------------------------
  const peaks = Uint8Array.from(atob(data.columns), (c) => c.charCodeAt(0));
  const heights = Float64Array.from({ length: 256 }, (_, level) => 10 ** ((level / 255 - 1) * 3));
  const loudest = Math.max(0.001, heights[peaks.reduce((a, b) => Math.max(a, b), 0)]);
  const detail = byId("detail");
  const view = { start: 0, length: Math.min(data.duration, 30) };

  function look(start, length) {
    view.length = Math.min(Math.max(length, Math.min(2, data.duration)), data.duration);
    view.start = Math.min(Math.max(start, 0), data.duration - view.length);
    draw();
  }

  function showTime(start, end) {
    const length = Math.max(view.length, (end - start) * 1.5);
    const inside = start >= view.start && end <= view.start + view.length;
    if (inside) draw();
    else look((start + end - length) / 2, length);
  }

  const zoom = (factor, at = 0.5) =>
    look(view.start + view.length * at * (1 - factor), view.length * factor);

  function draw() {
    const scale = window.devicePixelRatio || 1;
    const width = Math.round(detail.clientWidth * scale), height = Math.round(detail.clientHeight * scale);
    if (!width) return;
    if (detail.width !== width) detail.width = width;
    if (detail.height !== height) detail.height = height;
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const pen = detail.getContext("2d");
    pen.clearRect(0, 0, width, height);
    const x = (time) => ((time - view.start) / view.length) * width;
    drawWave(pen, width, height, colour("wave"));
    pen.font = `${12 * scale}px system-ui, sans-serif`;
    let labelled = -Infinity;
    for (const p of proposals) {
      if (p.end < view.start || p.start > view.start + view.length) continue;
      const left = x(p.start), width = Math.max(x(p.end) - left, 1);
      drawProposal(pen, p, left, width, height, colour, scale);
      const label = (p.words || p.kind).slice(0, 40);
      if (left < labelled) continue;
      pen.fillStyle = colour("ink");
      pen.fillText(label, left, height - 4 * scale);
      labelled = left + pen.measureText(label).width + 6 * scale;
    }
    const box = byId("window");
    box.setAttribute("x", (view.start / data.duration) * 1000);
    box.setAttribute("width", Math.max((view.length / data.duration) * 1000, 2));
    byId("from").textContent = clock(view.start);
    byId("to").textContent = clock(view.start + view.length);
  }

  function drawWave(pen, width, height, colour) {
    pen.fillStyle = colour;
    const at = (pixel) => ((view.start + (pixel / width) * view.length) / data.duration) * peaks.length;
    for (let pixel = 0; pixel < width; pixel++) {
      const first = Math.floor(at(pixel)), last = Math.max(first + 1, Math.floor(at(pixel + 1)));
      let level = 0;
      for (let i = first; i < last && i < peaks.length; i++) level = Math.max(level, peaks[i]);
      const half = Math.max((heights[level] / loudest) * (height / 2 - 18), 0.5);
      pen.fillRect(pixel, height / 2 - half, 1, 2 * half);
    }
  }

  function drawProposal(pen, p, left, width, height, colour, scale) {
    const state = stateOf(p);
    const main = colour(state === "kept" ? "off" : state);
    pen.globalAlpha = state === "kept" ? 0.18 : 0.32;
    pen.fillStyle = main;
    pen.fillRect(left, 0, width, height);
    pen.globalAlpha = 1;
    pen.fillRect(left, 0, width, 4 * scale);
    if (p === picked) {
      pen.strokeStyle = colour("ink");
      pen.lineWidth = 2 * scale;
      pen.strokeRect(left, scale, width, height - 2 * scale);
    }
  }

  // -- Saving ----------------------------------------------------------------------------------
  function save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([currentPlan()], { type: "application/json" }));
    link.download = data.fileName;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    isSaved = true;
  }

  // -- Hands -----------------------------------------------------------------------------------
  const ofEvent = (event) => byName.get(event.target.closest("[data-p]")?.dataset.p.split(" ")[0]);

  byId("rows").addEventListener("click", (event) => {
    const p = ofEvent(event);
    if (!p) return;
    const side = event.target.dataset.side;
    pick(p, { scroll: false, focus: !event.target.matches("input, button") });
    if (side !== undefined) {
      if (isPlaying(p, Number(side))) stop();
      else play(p, Number(side));
    }
  });
  byId("rows").addEventListener("change", (event) => switchTo([ofEvent(event)], event.target.checked));
  byId("rows").addEventListener("focusin", (event) => {
    const p = ofEvent(event);
    if (p && p !== picked) pick(p, { scroll: false, focus: false });
  });
  byId("transcript").addEventListener("click", (event) => {
    const p = ofEvent(event);
    if (!p) return;
    p.row.hidden = false;
    pick(p);
    p.row.scrollIntoView({ block: "center" });
  });
  byId("classes").addEventListener("change", (event) => {
    const kind = event.target.closest("[data-kind]").dataset.kind;
    const on = event.target.checked;
    switchTo(proposals.filter((p) => p.kind === kind && (!on || isPlain(p))), on);
  });
  for (const id of ["kind", "only-concerns", "only-sound"]) byId(id).addEventListener("change", filter);
  byId("save").addEventListener("click", save);
  byId("export").addEventListener("toggle", showSums);
  byId("plan-text").addEventListener("focus", (event) => event.target.select());
  byId("zoom-in").addEventListener("click", () => zoom(0.5));
  byId("zoom-out").addEventListener("click", () => zoom(2));
  byId("overview").addEventListener("click", (event) => {
    const box = byId("overview").getBoundingClientRect();
    look(((event.clientX - box.left) / box.width) * data.duration - view.length / 2, view.length);
  });

  let drag = null; // {x, start}
  detail.addEventListener("pointerdown", (event) => {
    drag = { x: event.clientX, start: view.start };
    detail.setPointerCapture(event.pointerId);
  });
  detail.addEventListener("pointermove", (event) => {
    if (drag) look(drag.start - ((event.clientX - drag.x) / detail.clientWidth) * view.length, view.length);
  });
  detail.addEventListener("pointerup", (event) => {
    if (drag && Math.abs(event.clientX - drag.x) < 4) pickAt(event);
    drag = null;
  });
  detail.addEventListener("pointercancel", () => { drag = null; });
  detail.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.shiftKey && !event.deltaX) return; // The page scrolls.
    event.preventDefault();
    const at = event.offsetX / detail.clientWidth;
    if (event.ctrlKey) zoom(event.deltaY > 0 ? 1.25 : 0.8, at);
    else look(view.start + ((event.deltaX || event.deltaY) / detail.clientWidth) * view.length, view.length);
  }, { passive: false });

  function pickAt(event) {
    const time = view.start + (event.offsetX / detail.clientWidth) * view.length;
    const slack = (view.length / detail.clientWidth) * 4;
    const p = proposals.find((q) => q.start - slack <= time && time <= q.end + slack && !q.row.hidden);
    if (p) pick(p, { focus: false });
  }

  detail.addEventListener("keydown", (event) => {
    const moves = {
      "+": () => zoom(0.5), "-": () => zoom(2),
      ArrowLeft: () => look(view.start - view.length / 4, view.length),
      ArrowRight: () => look(view.start + view.length / 4, view.length),
    };
    if (!moves[event.key]) return;
    moves[event.key]();
    event.preventDefault();
    event.stopPropagation();
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("textarea, select, input:not([type=checkbox])")) return;
    // Space on a button, a box or a summary is theirs.
    if (event.key === " " && event.target.closest("button, input, summary, a")) return;
    const keys = {
      " ": () => picked && (isPlaying(picked) ? stop() : play(picked, 0, 1)),
      b: () => picked && play(picked, 0),
      a: () => picked && play(picked, 1),
      x: () => picked && switchTo([picked], !picked.on),
      ArrowDown: () => goOn(1), ArrowRight: () => goOn(1),
      ArrowUp: () => goOn(-1), ArrowLeft: () => goOn(-1),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });

  window.addEventListener("beforeunload", (event) => { if (!isSaved) event.preventDefault(); });
  new ResizeObserver(draw).observe(detail);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

  document.documentElement.classList.add("scripted");
  for (const mark of document.querySelectorAll("#transcript .gone")) showRole(mark, "gone");
  if (rows.length) pick(proposals[0], { scroll: false, focus: false });
  filter();
  showSums();
  draw();
})();
