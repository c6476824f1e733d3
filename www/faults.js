// What the engine has found wrong with a policy, as the editor and the list below it tell it.

const encoder = new TextEncoder();

/**
 * @typedef {object} Note
 * @property {string} pointer - the place in the policy
 * @property {{from: number, to: number}} [place] - the place in its text, where a pointer cannot tell it
 * @property {string} text
 * @property {"error" | "warning"} severity
 */

/**
 * @param {string} text - the policy's
 * @param {Array<{path: string, found: string, expected: string}>} faults
 * @param {Array<{path: string, text: string}>} warnings
 * @returns {Note[]}
 */
export function reading(text, faults, warnings) {
  return [
    ...faults.map(({ path, found, expected }) => ({
      pointer: path,
      place: told(text, path, found),
      text: `${found}; ${expected}`,
      severity: "error",
    })),
    ...warnings.map((warning) => ({ pointer: warning.path, text: warning.text, severity: "warning" })),
  ];
}

/** Where a text is no JSON: the engine tells the line and, in bytes, the column. */
function told(text, path, found) {
  const at = path === "" && / at line (\d+) column (\d+)/.exec(found);
  if (!at) return undefined;
  const lines = text.split("\n");
  const line = Math.min(Number(at[1]), lines.length) - 1;
  const start = lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0);
  const bytes = encoder.encode(lines[line]).subarray(0, Number(at[2]));
  const to = Math.min(start + new TextDecoder().decode(bytes).length, text.length);
  return { from: Math.max(to - 1, 0), to };
}
