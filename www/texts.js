// Texts on their way in and out: files that are opened, texts that are copied and saved.

const MOST = 8 * 1024 * 1024;

/**
 * The text of a policy's file; what is wrong with it is thrown, as a sentence.
 * @param {File} file
 * @returns {Promise<string>}
 */
export async function readText(file) {
  if (file.size > MOST) {
    throw new Error(
      `${file.name} has ${(file.size / 1024 / 1024).toFixed(1)} MiB, and a policy here at most 8. Leave long lists out: ` +
        '`{"file": …}` names them, and `stillgate embed` puts them in.',
    );
  }
  const bytes = await file.arrayBuffer().catch(() => {
    throw new Error(`${file.name} cannot be read. A folder is no policy; a file may have been moved meanwhile.`);
  });
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Error(`${file.name} is no text in UTF-8, as a policy is. Save it as UTF-8, or choose another file.`);
  }
}

/** Saves a text as a file. @param {string} name @param {string} text */
export function save(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/**
 * Copies the text of an element; where the browser does not let us, selects it so that a key does. Says what came of it.
 * @param {HTMLElement} element
 * @returns {Promise<string>}
 */
export async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return "Copied.";
  } catch {
    getSelection().selectAllChildren(element);
    element.focus();
    return "It is selected: press Control (or Command) and C.";
  }
}
