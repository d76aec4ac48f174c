"use strict";
// Sorts, filters and slides; every fact stands in the page without it.
for (const element of document.querySelectorAll(".js")) element.hidden = false;
for (const element of document.querySelectorAll(".nojs")) element.hidden = true;
const grouped = new Intl.NumberFormat("en-US");

// The table of every task.
const NOTHING = "\u2013";
const pagesOf = (text) => (text === NOTHING || text === "" ? -Infinity : text === "first" ? Infinity : Number(text.replaceAll(",", "")));
for (const section of document.querySelectorAll("section.tasks")) {
  const table = section.querySelector("table");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];
  const [filter, eligible] = [section.querySelector("[type=search]"), section.querySelector("[type=checkbox]")];
  const text = rows.map((row) => [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase());
  const shown = rows.map((row) => [...row.cells].map((cell) => cell.textContent));
  const show = () => {
    const wanted = filter.value.trim().toLowerCase();
    let count = 0;
    rows.forEach((row, at) => {
      row.hidden = !text[at].includes(wanted) || (eligible.checked && row.classList.contains("skipped"));
      count += !row.hidden;
    });
    const all = grouped.format(rows.length) + (rows.length === 1 ? " task" : " tasks");
    section.querySelector("[role=status]").textContent = count === rows.length ? all : grouped.format(count) + " of " + all;
  };
  filter.addEventListener("input", show);
  eligible.addEventListener("change", show);
  show();
  headings.forEach((heading, at) => {
    if (heading.classList.contains("b")) return;
    const isNumber = heading.classList.contains("n") || heading.classList.contains("p");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const before = heading.getAttribute("aria-sort");
      const descends = before ? before === "ascending" : isNumber;
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", descends ? "descending" : "ascending");
      const keys = shown.map((cells) => (isNumber ? pagesOf(cells[at]) : cells[at]));
      const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
      const order = rows.map((_, at) => at).sort((a, b) => compare(keys[a], keys[b]) * (descends ? -1 : 1) || a - b);
      body.append(...order.map((at) => rows[at]));
    });
  });
  const size = Number(table.dataset.page);
  for (const unit of section.querySelectorAll("[type=radio]")) unit.addEventListener("change", () => {
    rows.forEach((row, at) => {
      [...row.cells].forEach((cell, column) => {
        if (!cell.classList.contains("p") || !Number.isFinite(pagesOf(shown[at][column]))) return;
        const mib = (pagesOf(shown[at][column]) * size) / 1048576;
        cell.textContent = unit.value === "MiB" ? grouped.format(Number(mib.toFixed(1))) : shown[at][column];
      });
    });
    table.caption.textContent = "The worst first; sizes in " + (unit.value === "MiB" ? "MiB" : "pages of " + size + " bytes");
  });
}

// Another oom_score_adj: oom_badness() and the choice as the release makes them.
const ROOT = 1, ORIGIN = 2, IS_DYING = 4, ALLOCATING_ONLY = 8, UNSEEN = 16;
const points = (data, task, adj, mode) => {
  const [, , , , , bits] = task;
  const root = bits & ROOT ? 1 : 0;
  let pages = task[3 + mode];
  if (bits & ORIGIN) return Infinity;
  if (data.scale === "permille") {
    const share = Math.floor((pages * 1000) / Math.max(data.totalpages, 1));
    return Math.min(Math.max(share - (data.root ? 30 * root : 0) + adj, 1), 1000);
  }
  if (data.root === "percent") pages -= root * Math.floor((pages * 3) / 100);
  if (data.root === "adj") adj -= 30 * root;
  const sum = pages + adj * Math.floor(data.totalpages / 1000);
  return data.minimum === null ? sum : Math.max(sum, data.minimum);
};
const choose = (data, adjOf, mode) => {
  let best = null, most = -Infinity;
  for (const task of data.tasks) {
    const adj = adjOf(task);
    if (task[0] === data.allocating && adj !== -1000) return { task, ending: task[5] & IS_DYING ? "dying" : "allocating" };
    if (task[5] & ALLOCATING_ONLY || (adj === -1000 && !(task[5] & ORIGIN))) continue;
    const score = points(data, task, adj, mode);
    if (best === null || score > most || (score === most && data.last_wins)) [best, most] = [task, score];
  }
  if (best === null) return { task: null, ending: data.panics ? "panic" : "nobody" };
  return { task: best, ending: best[5] & IS_DYING ? "dying" : "killed", points: most };
};

for (const section of document.querySelectorAll("section[data-event]")) {
  const id = section.dataset.event;
  const data = JSON.parse(document.getElementById(id + "-data").textContent);
  const [answer, list, form] = [".answer", ".sliders", ".add"].map((name) => section.querySelector(name));
  const changed = new Map(), rows = new Map();
  let mode = 0;
  const named = (task) => (task[5] & UNSEEN ? "a process that no line of the log shows" : task[0] + " (" + task[1] + ")");
  const adjOf = (task) => (changed.has(task[0]) ? changed.get(task[0]) : task[2]);
  const amount = (value) => {
    if (data.scale !== "pages") return grouped.format(value) + " points";
    const mib = (value * data.page) / 1048576;
    const size = Math.abs(mib) < 1024 ? mib.toFixed(1) + " MiB" : (mib / 1024).toFixed(1) + " GiB";
    return grouped.format(value) + " pages (" + size + ")";
  };
  const does = (found) => {
    if (found.ending === "panic") return "the machine panics: nobody may be killed";
    if (found.ending === "nobody") return "nobody may be killed";
    const who = named(found.task);
    if (found.ending === "dying") return who + " is chosen, is dying already, and nobody is killed";
    const group = data.groups[found.task[6]];
    const more = group === undefined ? "" : ", and with it everybody in " + group + " who may be killed (memory.oom.group)";
    if (found.ending === "allocating") return who + " is killed for allocating (vm.oom_kill_allocating_task)" + more;
    return who + " is killed" + (found.points === Infinity ? ", marked to be killed first" : ", with a badness of " + amount(found.points)) + more;
  };
  const render = () => {
    const now = choose(data, adjOf, mode), before = choose(data, (task) => task[2], 0);
    const isSame = now.task === before.task && now.ending === before.ending;
    answer.dataset.ending = now.ending;
    answer.dataset.pid = now.task === null ? "" : now.task[0];
    answer.classList.toggle("flip", !isSame);
    const start = changed.size || mode ? "Then " : "As it is, ";
    answer.textContent = start + does(now) + "." + (isSame ? (changed.size || mode ? " That is the same as without the change." : "") : " As it is, " + does(before) + ".");
    const scores = [...rows.values()].map(({ task }) => points(data, task, adjOf(task), mode)).filter(Number.isFinite);
    const high = Math.max(...scores, 1);
    for (const row of rows.values()) {
      const score = points(data, row.task, adjOf(row.task), mode);
      const may = adjOf(row.task) !== -1000 || row.task[5] & ORIGIN;
      row.item.classList.toggle("killed", row.task === now.task);
      row.rect.setAttribute("width", may ? Math.max(0, Math.min(100, (100 * Math.min(score, high)) / high)).toFixed(2) + "%" : "0%");
      row.output.textContent = may ? (score === Infinity ? "first" : grouped.format(score)) : "may not";
    }
    const sets = [...changed].map(([pid, adj]) => "--set 'tasks[" + pid + "].oom_score_adj=" + adj + "'");
    section.querySelector(".set").hidden = sets.length === 0;
    section.querySelector(".set code").textContent = sets.join(" ");
  };
  const add = (task) => {
    if (rows.has(task[0])) return rows.get(task[0]).range;
    const item = document.createElement("li"), label = document.createElement("label"), small = document.createElement("small");
    const [range, number, output] = ["input", "input", "output"].map((name) => document.createElement(name));
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    label.htmlFor = range.id = id + "-r" + task[0];
    const name = document.createElement("bdi");
    name.textContent = task[1];
    small.textContent = "pid " + task[0];
    label.append(name, small);
    [range.type, number.type] = ["range", "number"];
    for (const input of [range, number]) {
      [input.min, input.max, input.step, input.value] = [-1000, 1000, 1, task[2]];
      input.addEventListener("input", () => {
        const value = Number(input.value);
        if (input.value === "" || !Number.isInteger(value) || value < -1000 || value > 1000) return;
        range.value = value;
        if (input !== number) number.value = value;
        range.setAttribute("aria-valuetext", "oom_score_adj " + value);
        if (value === task[2]) changed.delete(task[0]); else changed.set(task[0], value);
        render();
      });
    }
    range.setAttribute("aria-valuetext", "oom_score_adj " + task[2]);
    number.setAttribute("aria-label", "oom_score_adj of " + named(task));
    svg.setAttribute("width", "100%");
    svg.setAttribute("height", "12");
    svg.setAttribute("aria-hidden", "true");
    rect.setAttribute("class", "s-held");
    rect.setAttribute("height", "12");
    svg.append(rect);
    item.append(label, range, number, svg, output);
    list.append(item);
    rows.set(task[0], { task, item, range, number, rect, output });
    return range;
  };
  const find = (pid) => data.tasks.find((task) => task[0] === pid && !(task[5] & UNSEEN));
  const start = () => {
    list.replaceChildren();
    rows.clear();
    changed.clear();
    for (const pid of data.shown) if (find(pid)) add(find(pid));
    render();
  };
  const status = form.querySelector("[role=status]");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const input = form.querySelector("input"), wanted = input.value.trim();
    const task = find(Number(wanted)) || data.tasks.find((task) => task[1] === wanted && !(task[5] & UNSEEN));
    status.textContent = wanted === "" ? "" : task ? named(task) + " is in the list" : "No process " + wanted + " that may be killed";
    if (!task) return;
    add(task).focus();
    render();
    input.value = "";
  });
  form.addEventListener("reset", () => {
    status.textContent = "";
    start();
  });
  const modes = section.querySelector(".modes");
  modes.hidden = data.modes.length < 2;
  data.modes.forEach((name, at) => {
    const label = document.createElement("label"), radio = document.createElement("input");
    [radio.type, radio.name, radio.value, radio.checked] = ["radio", id + "-mode", name, at === 0];
    radio.addEventListener("change", () => {
      mode = at;
      render();
    });
    label.append(radio, name === "precise" ? " precisely" : " approximately");
    modes.append(label);
  });
  start();
}
