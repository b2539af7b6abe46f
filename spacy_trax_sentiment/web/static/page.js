// A text, while it is typed, to its bar, its shading and its table.

import { ask, classesOf, element, hasPoles, percent, showBar, showError, signed } from "./api.js";
import { startTable } from "./table.js";
import { hideTarget, offerTargets } from "./target.js";

const $ = (id) => document.getElementById(id);

// The contribution, in log-odds, that is shaded in full if no other in the text is larger. Neutral texts stay pale.
const FLOOR = 2;
const STEPS = 10;
const TYPING_PAUSE = 120;
// Screen readers speak the outcome once typing pauses, not at each letter.
const SPEAKING_PAUSE = 900;
const LISTED = 200;

let asked = null;
let typing = 0;
let speaking = 0;

async function score() {
  asked?.abort();
  const text = $("text").value;
  const mine = (asked = new AbortController());
  clearTimeout(speaking);
  if (!text.trim()) {
    $("result").hidden = true;
    $("spoken").textContent = "";
    showError($("text-error"), null);
    return;
  }
  try {
    const response = await ask("v1/sentiment", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ text, contributions: true }),
      signal: mine.signal,
    });
    const { labels, results } = await response.json();
    if (mine !== asked) return; // a later text is on its way
    show(labels, results[0]);
  } catch (error) {
    if (mine !== asked || error.name === "AbortError") return;
    $("result").hidden = true;
    showError($("text-error"), error);
  }
}

function show(labels, result) {
  showError($("text-error"), null);
  hideTarget();
  const poles = hasPoles(labels);
  const label = result.label ?? "no evidence";
  const suffix = result.n_known ? "" : " (no evidence)";
  const probability = result.label === null ? "" : percent(result.probability) + suffix;
  $("label").textContent = label;
  $("probability").textContent = probability;
  $("log-odds").textContent = poles ? `log-odds ${signed(result.log_odds, 2)}` : "";
  const one = result.label ?? labels[0]; // without evidence, no token contributes to any label
  $("for").textContent = poles ? "positive" : one;
  $("against").textContent = poles ? "negative" : "another";
  showBar($("bar"), labels, result.probabilities);
  showLabels(labels, result.probabilities);
  // To the log-odds; or else to the label against the mean of the others, as each token's contributions sum to 0.
  const toward = (values) =>
    poles ? values.positive - values.negative : (values[one] * labels.length) / (labels.length - 1);
  const tokens = result.tokens.map((token) => ({ ...token, value: toward(token.contributions) }));
  $("shaded").replaceChildren(...shadedRuns(tokens));
  showContributions(tokens, toward(result.bias));
  $("result").hidden = false;
  speaking = setTimeout(() => {
    $("spoken").textContent = probability ? `${label}, ${probability}` : label;
  }, SPEAKING_PAUSE);
}

function showLabels(labels, probabilities) {
  const classes = classesOf(labels);
  const items = labels.map((label, i) => {
    const item = element("li");
    item.append(element("span", "", "swatch", classes[i]), `${label} ${percent(probabilities[label])}`);
    return item;
  });
  $("labels").replaceChildren(...items);
}

// Neighbouring tokens that are negated form a named group.
function shadedRuns(tokens) {
  const largest = tokens.reduce((most, token) => Math.max(most, Math.abs(token.value)), FLOOR);
  const nodes = [];
  let group = null;
  tokens.forEach((token, i) => {
    const node = shadedToken(token, largest);
    const space = token.whitespace ? " " : "";
    if (!token.negated) {
      group = null;
      nodes.push(node, space);
      return;
    }
    if (!group) {
      group = element("span", "", "negated");
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", "negated");
      nodes.push(group);
    }
    group.append(node);
    (tokens[i + 1]?.negated ? group : nodes)[tokens[i + 1]?.negated ? "append" : "push"](space);
  });
  return nodes;
}

function shadedToken(token, largest) {
  if (!token.value || !token.text.trim()) return document.createTextNode(token.text);
  const node = element("span", token.text, "token");
  const step = Math.round((Math.abs(token.value) * STEPS) / largest);
  if (step > 0) node.classList.add(token.value > 0 ? "for" : "against");
  if (step === 1) node.classList.add("faint");
  node.style.setProperty("--strength", step / STEPS);
  node.title = signed(token.value);
  return node;
}

function showContributions(tokens, bias) {
  const some = tokens.filter((token) => token.value).sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const row = (name, value) => {
    const made = element("tr");
    const head = element("th", name);
    head.scope = "row";
    made.append(head, element("td", signed(value), "number"));
    return made;
  };
  const sum = (values) => values.reduce((total, token) => total + token.value, 0);
  const rows = some.slice(0, LISTED).map((token) => row(token.text, token.value));
  if (some.length > LISTED) rows.push(row(`${some.length - LISTED} more`, sum(some.slice(LISTED))));
  rows.push(row("(bias)", bias));
  $("contributions").replaceChildren(...rows);
  $("sum").replaceChildren(row("sum", sum(some) + bias));
}

async function start() {
  $("text").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(score, TYPING_PAUSE);
  });
  document.querySelectorAll("#examples button").forEach((button) =>
    button.addEventListener("click", () => {
      $("text").value = button.textContent;
      score();
    }),
  );
  score();
  try {
    const model = await (await ask("v1/model")).json();
    $("model").textContent = `Model ${model.name}: ${model.labels.join(", ")}`;
    startTable(model.limits);
    if (model.targets) offerTargets();
  } catch (error) {
    showError($("text-error"), error);
  }
}

start();
