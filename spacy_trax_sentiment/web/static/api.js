// Requests to the server, and how labels and numbers are shown.

// Returns the response. Throws an Error with a message for people if the server refuses or cannot be reached.
export async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer. Is it still running?");
  }
  if (response.ok) return response;
  const answer = await response.json().catch(() => null);
  throw new Error(answer?.error?.message ?? `The server answered ${response.status}.`);
}

// Never claims certainty.
export function percent(probability) {
  if (probability >= 0.0005 && probability < 0.9995) return `${(100 * probability).toFixed(1)}%`;
  return probability > 0.5 ? "> 99.9%" : "< 0.1%";
}

export function signed(number, digits = 3) {
  const shown = (number === 0 ? 0 : number).toFixed(digits);
  if (Number(shown) === 0) return `+${Math.abs(Number(shown)).toFixed(digits)}`;
  return number > 0 ? `+${shown}` : shown;
}

// Only between these two labels are there log-odds.
export const hasPoles = (labels) => labels.includes("positive") && labels.includes("negative");

export function classesOf(labels) {
  let others = 0;
  return labels.map((label) =>
    label === "positive" || label === "negative" ? `is-${label}` : `is-other-${others++ % 5}`,
  );
}

export function element(name, text = "", ...classes) {
  const made = document.createElement(name);
  made.textContent = text;
  made.classList.add(...classes);
  return made;
}

export function showBar(bar, labels, probabilities) {
  if (bar.childElementCount !== labels.length) {
    bar.replaceChildren(...classesOf(labels).map((name) => element("span", "", name)));
  }
  labels.forEach((label, i) => (bar.children[i].style.flexGrow = probabilities[label]));
}

export function showError(place, error) {
  place.textContent = error ? error.message : "";
  place.hidden = !error;
}
