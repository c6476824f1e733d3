// What the engine has found wrong with a policy, as the editor and the list below it tell it.

const encoder = new TextEncoder();

/** So many faults and warnings are shown, each; what mends one often mends all that are like it. */
export const SHOWN = 100;

/**
 * @typedef {object} Note
 * @property {string} pointer - the place in the policy
 * @property {{from: number, to: number}} [place] - the place in its text, where a pointer cannot tell it
 * @property {string} text
 * @property {"error" | "warning"} severity
 */

/**
 * @typedef {{path: string, found: string, expected: string}} Finding - as the engine tells it
 *
 * @param {string} text - the policy's
 * @param {Finding[]} faults
 * @param {Finding[]} warnings
 * @returns {Note[]} of the first
 */
export function reading(text, faults, warnings) {
  const note = (severity) => (finding) => ({
    pointer: finding.path,
    place: told(text, finding.path, finding.found),
    text: `${finding.found}; ${finding.expected}`,
    severity,
  });
  return [...faults.slice(0, SHOWN).map(note("error")), ...warnings.slice(0, SHOWN).map(note("warning"))];
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
