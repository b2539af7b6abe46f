// The server's answers, and how numbers are shown.

// Returns the response. What the server refuses, or a server that cannot be reached, is an Error with a message.
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

// What is not certain does not look so.
export function percent(probability) {
  if (probability >= 0.0005 && probability < 0.9995) return `${(100 * probability).toFixed(1)}%`;
  return probability > 0.5 ? "> 99.9%" : "< 0.1%";
}

export function signed(number, digits = 3) {
  const shown = (number === 0 ? 0 : number).toFixed(digits);
  if (Number(shown) === 0) return `+${Math.abs(Number(shown)).toFixed(digits)}`;
  return number > 0 ? `+${shown}` : shown;
}

// The labels for and against which a score speaks; null where there are none.
export function polesOf(labels) {
  if (labels.includes("positive") && labels.includes("negative")) return ["positive", "negative"];
  return labels.length === 2 ? [labels[1], labels[0]] : null;
}

// The style class of each label: those of the poles, and others.
export function classesOf(labels) {
  const poles = polesOf(labels) ?? [];
  let others = 0;
  return labels.map((label) => {
    const pole = poles.indexOf(label);
    return pole < 0 ? `is-other-${others++ % 5}` : ["is-positive", "is-negative"][pole];
  });
}

export function element(name, text = "", ...classes) {
  const made = document.createElement(name);
  made.textContent = text;
  made.classList.add(...classes);
  return made;
}

export function showError(place, error) {
  place.textContent = error ? error.message : "";
  place.hidden = !error;
}
