// A text, as it is typed, to its shading and bar.

import { ask, classesOf, element, percent, polesOf, showError, signed } from "./api.js";
import { startTable } from "./table.js";

const $ = (id) => document.getElementById(id);

// The share, in log-odds, that is shaded in full where a text has none larger: so a neutral text stays pale.
const FLOOR = 2;
const TYPING_PAUSE = 120;
// Someone who listens hears the outcome once they pause, not at each letter.
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
    if (mine !== asked) return; // a later text has been asked for
    show(labels, results[0]);
  } catch (error) {
    if (mine !== asked || error.name === "AbortError") return;
    $("result").hidden = true;
    showError($("text-error"), error);
  }
}

function show(labels, result) {
  showError($("text-error"), null);
  const poles = polesOf(labels);
  $("label").textContent = result.label;
  $("probability").textContent = percent(result.probability);
  $("score").textContent = result.score === null ? "" : `log-odds ${signed(result.score, 2)}`;
  $("pole-for").textContent = poles ? poles[0] : result.label;
  $("pole-against").textContent = poles ? poles[1] : "another";
  showBar(labels, result.probabilities);
  // Of three labels and more, a token's share is given for each.
  const toward = (share) => {
    if (typeof share === "number") return share;
    return poles ? share[poles[0]] - share[poles[1]] : share[result.label];
  };
  const tokens = result.tokens.map((token) => ({ ...token, share: toward(token.contribution) }));
  $("shaded").replaceChildren(...shadedRuns(tokens));
  showShares(tokens, toward(result.bias));
  $("result").hidden = false;
  speaking = setTimeout(() => {
    $("spoken").textContent = `${result.label}, ${percent(result.probability)}`;
  }, SPEAKING_PAUSE);
}

function showBar(labels, probabilities) {
  const classes = classesOf(labels);
  if ($("bar").childElementCount !== labels.length) {
    $("bar").replaceChildren(...classes.map((name) => element("span", "", name)));
  }
  labels.forEach((label, i) => ($("bar").children[i].style.flexGrow = probabilities[label]));
  const items = labels.map((label, i) => {
    const item = element("li");
    item.append(element("span", "", "swatch", classes[i]), `${label} ${percent(probabilities[label])}`);
    return item;
  });
  $("labels").replaceChildren(...items);
}

// Neighbours that a negation reaches stand in a group that says so.
function shadedRuns(tokens) {
  const largest = tokens.reduce((most, token) => Math.max(most, Math.abs(token.share)), FLOOR);
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
  if (!token.share || !token.text.trim()) return document.createTextNode(token.text);
  const node = element("span", token.text, "token", token.share > 0 ? "for" : "against");
  node.style.setProperty("--strength", (Math.abs(token.share) / largest).toFixed(3));
  node.title = signed(token.share);
  return node;
}

function showShares(tokens, bias) {
  const said = tokens.filter((token) => token.share).sort((a, b) => Math.abs(b.share) - Math.abs(a.share));
  const row = (name, share) => {
    const made = element("tr");
    const head = element("th", name);
    head.scope = "row";
    made.append(head, element("td", signed(share), "number"));
    return made;
  };
  const sum = (some) => some.reduce((total, token) => total + token.share, 0);
  const rows = said.slice(0, LISTED).map((token) => row(token.text, token.share));
  if (said.length > LISTED) rows.push(row(`${said.length - LISTED} more`, sum(said.slice(LISTED))));
  rows.push(row("(bias)", bias));
  $("shares").replaceChildren(...rows);
  $("sum").replaceChildren(row("sum", sum(said) + bias));
}

async function start() {
  $("text").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(score, TYPING_PAUSE);
  });
  score();
  try {
    const model = await (await ask("v1/model")).json();
    $("model").textContent = `Model ${model.name}: ${model.labels.join(", ")}`;
    startTable(model.limits);
  } catch (error) {
    showError($("text-error"), error);
  }
}

start();
