// A word or phrase that is chosen in the text, to what the text says of it.

import { ask, element, percent, showBar, showError } from "./api.js";

const $ = (id) => document.getElementById(id);

const SELECTING_PAUSE = 200;

let asked = null;
let selecting = 0;

export function hideTarget() {
  asked?.abort();
  $("target").hidden = true;
  showError($("target-error"), null);
}

function offsetOf(node, at) {
  const range = document.createRange();
  range.selectNodeContents($("shaded"));
  const side = range.comparePoint(node, at);
  if (side === 0) range.setEnd(node, at);
  return side < 0 ? 0 : range.toString().length;
}

// A tap on a phone leaves no caret in the selection.
function clickedOffset({ clientX, clientY }) {
  const caret = document.caretPositionFromPoint?.(clientX, clientY);
  if (caret) return offsetOf(caret.offsetNode, caret.offset);
  const range = document.caretRangeFromPoint(clientX, clientY);
  return offsetOf(range.startContainer, range.startOffset);
}

// The offsets of what is marked in the shaded text, or of the word that was clicked; null without either.
function chosen(event) {
  const selection = getSelection();
  if (!selection.isCollapsed && selection.containsNode($("shaded"), true)) {
    const { startContainer, startOffset, endContainer, endOffset } = selection.getRangeAt(0);
    return [offsetOf(startContainer, startOffset), offsetOf(endContainer, endOffset)];
  }
  if (!$("shaded").contains(event.target)) return null;
  const at = clickedOffset(event);
  const words = new Intl.Segmenter(undefined, { granularity: "word" }).segment($("shaded").textContent);
  const word = [...words].find((each) => each.isWordLike && each.index <= at && at <= each.index + each.segment.length);
  return word ? [word.index, word.index + word.segment.length] : null;
}

async function showTarget(offsets) {
  const text = $("shaded").textContent;
  const target = offsets && text.slice(...offsets).trim();
  if (!target) return;
  const start = offsets[0] + text.slice(...offsets).search(/\S/);
  hideTarget();
  const mine = (asked = new AbortController());
  const count = (end) => Array.from(text.slice(0, end)).length; // of code points, which the server counts
  try {
    const response = await ask("v1/sentiment", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ text, targets: [[[count(start), count(start + target.length)]]] }),
      signal: mine.signal,
    });
    const { labels, results } = await response.json();
    if (mine !== asked) return;
    const [found] = results[0].targets;
    $("target-name").replaceChildren(element("q", target), found.label ? `: ${found.label} ${percent(found.probability)}` : ": no evidence");
    showBar($("target-bar"), labels, found.probabilities);
    $("target").hidden = false;
  } catch (error) {
    if (mine === asked && error.name !== "AbortError") showError($("target-error"), error);
  }
}

export function offerTargets() {
  $("target-hint").hidden = false;
  $("shaded").classList.add("choosable");
  // What is marked may end outside of the text.
  $("shaded").closest("section").addEventListener("click", (event) => showTarget(chosen(event)));
  // The field's own selection, by keyboard, mouse or touch.
  const field = $("text");
  field.addEventListener("select", () => {
    clearTimeout(selecting);
    selecting = setTimeout(() => {
      if (field.value === $("shaded").textContent) showTarget([field.selectionStart, field.selectionEnd]);
    }, SELECTING_PAUSE);
  });
}
