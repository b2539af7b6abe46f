// A file, or pasted rows, to a sorted table, a histogram and downloads.

import { ask, element, hasPoles, percent, showError, signed } from "./api.js";
import { TYPES, columnsOf, typeOf } from "./columns.js";

const $ = (id) => document.getElementById(id);
const NAMES = { "text/csv": "CSV", "text/tab-separated-values": "TSV", "application/jsonl": "JSONL", "text/plain": "text" };
const ROWS_A_PAGE = 25;
const BINS = 20;
const SVG = "http://www.w3.org/2000/svg";

let limits = null;
let asked = null;
let chosen = null;
let source = null; // what was scored: { content, type, name, column }
let columns = []; // { name, value(result), show(result), isNumber }
let results = [];
let order = [];
let sortedBy = { column: 0, descending: false };
let page = 0;

export function startTable(given) {
  limits = given;
  $("file").addEventListener("change", () => takeFile($("file").files[0]));
  $("column").addEventListener("change", () => scoreTable({ ...source, column: $("column").value }));
  $("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const content = $("pasted").value;
    if (content.trim()) takeTable({ content, type: typeOf(content), name: "pasted" });
  });
  $("csv").addEventListener("click", () => download("csv"));
  $("jsonl").addEventListener("click", () => download("jsonl"));
  $("previous").addEventListener("click", () => showPage(page - 1));
  $("next").addEventListener("click", () => showPage(page + 1));
  acceptDrops();
}

function acceptDrops() {
  const over = (is) => $("drop").classList.toggle("is-over", is);
  const holdsFile = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    over(true);
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && over(false));
  document.addEventListener("drop", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    over(false);
    takeFile(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (!file) return;
    event.preventDefault();
    takeFile(file);
  });
}

function takeFile(file) {
  if (!file) return;
  const suffix = file.name.split(".").pop().toLowerCase();
  if (TYPES[suffix]) takeTable({ content: file, type: TYPES[suffix], name: file.name });
  else refuse(new Error(`${file.name} has an unknown format. Choose a .csv, .tsv, .jsonl or .txt file.`));
}

// Shows the table's columns to choose from, and scores the one that holds the texts.
async function takeTable(table) {
  chosen = table;
  const { names, best } = await columnsOf(table.content, table.type);
  if (chosen !== table) return; // another was chosen meanwhile
  $("column").replaceChildren(...names.map((name) => new Option(name, name, name === best, name === best)));
  $("columns").hidden = names.length < 2;
  scoreTable({ ...table, column: best });
}

function refuse(error) {
  $("table-status").textContent = "";
  $("scored").hidden = true;
  results = [];
  showError($("table-error"), error);
}

function post(table, format, signal) {
  const { content, type, column } = table;
  const size = content.size ?? new Blob([content]).size;
  if (size > limits.body_bytes) {
    const most = Math.round(limits.body_bytes / 1e6);
    throw new Error(`${table.name} is larger than ${most} MB. The command trax-sentiment predict takes files of any size.`);
  }
  const query = new URLSearchParams({ format, text_column: column });
  return ask(`v1/table?${query}`, { method: "POST", headers: { "Content-Type": type }, body: content, signal });
}

async function scoreTable(table) {
  asked?.abort();
  const mine = (asked = new AbortController());
  source = table;
  showError($("table-error"), null);
  $("table-status").textContent = "Scoring …";
  try {
    const answer = await (await post(table, "json", mine.signal)).json();
    if (mine === asked) showTable(answer);
  } catch (error) {
    if (mine === asked && error.name !== "AbortError") refuse(error);
  }
}

function showTable(answer) {
  results = answer.results;
  results.forEach((result, i) => (result.row = i + 1));
  const poles = hasPoles(answer.labels);
  columns = [
    { name: "row", value: (result) => result.row, show: (result) => result.row, isNumber: true },
    { name: "text", value: (result) => result.text, show: (result) => result.text },
    { name: "label", value: (result) => result.label ?? "", show: (result) => result.label ?? "" },
    ...answer.labels.map((label) => ({
      name: label,
      value: (result) => result.probabilities[label],
      show: (result) => shown(result.probabilities[label], percent),
      isNumber: true,
    })),
  ];
  if (poles) {
    const show = (result) => shown(result.log_odds, (value) => signed(value, 2));
    columns.splice(3, 0, { name: "log-odds", value: (result) => result.log_odds, show, isNumber: true });
  }
  $("rows").tHead.replaceChildren(headRow());
  order = results.map((_, i) => i);
  sortedBy = { column: 0, descending: false };
  showSorting();
  showPage(0);
  showHistogram(answer.labels, poles);
  const of = answer.labels.map((label) => {
    const n = results.filter((result) => result.label === label).length;
    return `${n.toLocaleString("en")} ${label}`;
  });
  const hasText = (result) => result.text.trim() !== "";
  const without = results.filter((result) => !hasText(result)).length;
  const nothing = results.filter((result) => hasText(result) && result.label === null).length;
  if (without) of.push(`${without.toLocaleString("en")} without a text`);
  if (nothing) of.push(`${nothing.toLocaleString("en")} without evidence`);
  const rows = `${results.length.toLocaleString("en")} ${results.length === 1 ? "row" : "rows"}`;
  $("table-status").textContent = `${source.name}, read as ${NAMES[source.type]}: ${rows}; ${of.join(", ")}.`;
  $("scored").hidden = false;
}

// A row without a text has no numbers.
function shown(value, show) {
  return value === null ? "" : show(value);
}

function headRow() {
  const row = element("tr");
  columns.forEach((column, i) => {
    const button = element("button", column.name);
    button.type = "button";
    button.addEventListener("click", () => sortBy(i));
    const head = element("th", "", ...(column.isNumber ? ["number"] : []));
    head.scope = "col";
    head.append(button);
    row.append(head);
  });
  return row;
}

// Equal rows keep their order.
function sortBy(i) {
  const descending = sortedBy.column === i && !sortedBy.descending;
  const { value, isNumber } = columns[i];
  const collator = new Intl.Collator();
  const compare = isNumber ? (a, b) => a - b : collator.compare;
  order.sort((a, b) => (descending ? -1 : 1) * compare(value(results[a]), value(results[b])));
  sortedBy = { column: i, descending };
  showSorting();
  showPage(0);
}

function showSorting() {
  [...$("rows").tHead.rows[0].cells].forEach((head, i) => {
    if (i === sortedBy.column) head.setAttribute("aria-sort", sortedBy.descending ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  });
}

function showPage(number) {
  const n = Math.max(1, Math.ceil(order.length / ROWS_A_PAGE));
  page = Math.min(Math.max(number, 0), n - 1);
  const rows = order.slice(page * ROWS_A_PAGE, (page + 1) * ROWS_A_PAGE).map((i) => {
    const row = element("tr");
    columns.forEach((column) => {
      const cell = element("td", column.show(results[i]), ...(column.isNumber ? ["number"] : []));
      if (column.name === "text") cell.classList.add("long");
      if (column.name === "text") cell.dir = "auto";
      row.append(cell);
    });
    return row;
  });
  $("rows").tBodies[0].replaceChildren(...rows);
  $("pages").hidden = n === 1;
  $("previous").disabled = page === 0;
  $("next").disabled = page === n - 1;
  $("page-number").textContent = `Page ${page + 1} of ${n}`;
}

// Shows the log-odds; or the probability of the label, if the model has no log-odds.
function showHistogram(labels, poles) {
  const values = results
    .filter((result) => result.label !== null)
    .map((result) => (poles ? result.log_odds : result.probability));
  const widest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  const [low, high] = poles ? [-Math.ceil(widest), Math.ceil(widest)] : [0, 1];
  const counts = Array(BINS).fill(0);
  values.forEach((value) => counts[Math.min(Math.floor(((value - low) / (high - low)) * BINS), BINS - 1)]++);
  const most = Math.max(...counts, 1);
  const [left, bottom, width, height] = [46, 112, 350, 100];
  const parts = counts.map((count, i) => {
    const rect = svg("rect", { x: left + (i * width) / BINS + 0.5, y: bottom - (count / most) * height });
    rect.setAttribute("width", width / BINS - 1);
    rect.setAttribute("height", (count / most) * height);
    rect.classList.add(poles ? (i < BINS / 2 ? "is-negative" : "is-positive") : "is-other-0");
    return rect;
  });
  parts.push(svg("line", { x1: left, y1: bottom, x2: left + width, y2: bottom }));
  const text = (content, x, y, anchor) => {
    const made = svg("text", { x, y, "text-anchor": anchor });
    made.textContent = content;
    parts.push(made);
  };
  text(most.toLocaleString("en"), left - 4, bottom - height + 8, "end");
  text("0", left - 4, bottom, "end");
  text(low, left, bottom + 15, "start");
  text((low + high) / 2, left + width / 2, bottom + 15, "middle");
  text(high, left + width, bottom + 15, "end");
  const axis = poles ? "log-odds of positive against negative" : "probability of the label";
  text(axis, left + width / 2, bottom + 33, "middle");
  $("histogram").replaceChildren(...parts);
  const middle = [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
  const summary = poles
    ? `${values.filter((value) => value < 0).length} below zero, ${values.filter((value) => value > 0).length} above`
    : labels.join(", ");
  const median = middle === undefined ? "" : `; median ${middle.toFixed(2)}`;
  $("histogram").setAttribute("aria-label", `Histogram of ${values.length} rows by ${axis}: ${summary}${median}.`);
}

function svg(name, attributes) {
  const made = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  return made;
}

// The server writes the table again with all its columns, because JavaScript would round long numbers.
async function download(format) {
  $(format).disabled = true;
  showError($("table-error"), null);
  try {
    const content = await (await post(source, format)).blob();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(content);
    link.download = `${source.name.replace(/\.[^.]*$/, "")}-scored.${format}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  } catch (error) {
    showError($("table-error"), error);
  } finally {
    $(format).disabled = false;
    $(format).focus();
  }
}
