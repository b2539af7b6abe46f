// What pasted rows are, and the names and the first values of a table's columns.

export const TYPES = {
  csv: "text/csv",
  tsv: "text/tab-separated-values",
  jsonl: "application/jsonl",
  ndjson: "application/jsonl",
  txt: "text/plain",
};

// Enough for a header and some rows.
const PEEKED = 1 << 16;
const SAMPLED = 20;

// JSON Lines start with a brace. A table's header has a column "text", or names as long as the next row has cells.
export function typeOf(content) {
  if (content.trimStart().startsWith("{")) return TYPES.jsonl;
  const separator = separatorOf(content);
  const [head = [], next = []] = rowsOf(content, separator, 2);
  const isHeader = head.length > 1 && head.length === next.length && head.every((name) => /^[A-Za-z_][\w.-]*$/.test(name));
  if (!isHeader && !head.includes("text")) return TYPES.txt;
  return separator === "\t" ? TYPES.tsv : TYPES.csv;
}

// Returns what separates the cells of CSV: that by which the header has a column "text", or else the most columns.
function separatorOf(start) {
  const heads = [",", ";", "|", "\t"].map((separator) => ({ separator, names: rowsOf(start, separator, 1)[0] ?? [] }));
  const best = (one, other) => (other.names.length > one.names.length ? other : one);
  return (heads.find(({ names }) => names.includes("text")) ?? heads.reduce(best)).separator;
}

// Returns the columns of a file or a string as { names, best }: best is "text", or else the first column that holds
// texts. A text file has none.
export async function columnsOf(content, type) {
  if (type === TYPES.txt) return { names: [], best: "text" };
  const start = typeof content === "string" ? content : await content.slice(0, PEEKED).text();
  const [names, rows] = type === TYPES.jsonl ? objectsOf(start) : tableOf(start, type === TYPES.tsv ? "\t" : separatorOf(start));
  const holds = (pattern) => names.find((_, i) => rows.some((row) => typeof row[i] === "string" && pattern.test(row[i])));
  const best = names.includes("text") ? "text" : (holds(/\p{L}+\s+\p{L}+/u) ?? holds(/\p{L}/u) ?? names[0] ?? "text");
  return { names, best };
}

function tableOf(start, separator) {
  const [names = [], ...rows] = rowsOf(start, separator, SAMPLED);
  return [names, rows];
}

function objectsOf(start) {
  const objects = start.split("\n", SAMPLED).flatMap((line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      return []; // an empty line, or the last one, which is cut off; the server reports others
    }
  });
  const names = Object.keys(objects[0] ?? {});
  return [names, objects.map((object) => names.map((name) => object?.[name]))];
}

// The first rows of CSV: cells may be quoted, and hold separators, line breaks and doubled quotes then.
function rowsOf(content, separator, most) {
  const rows = [];
  let row = [];
  let cell = "";
  let quoted = false;
  for (let i = 0; i < content.length && rows.length < most; i++) {
    const char = content[i];
    if (char === '"' && quoted && content[i + 1] === '"') cell += content[i++];
    else if (char === '"') quoted = !quoted;
    else if (quoted || (char !== separator && char !== "\n" && char !== "\r")) cell += char;
    else if (char !== "\r") {
      row.push(cell);
      cell = "";
      if (char === "\n") {
        if (row.length > 1 || row[0]) rows.push(row);
        row = [];
      }
    }
  }
  if (rows.length < most && (cell || row.length)) rows.push([...row, cell]);
  return rows;
}
