// Files that are opened, or dropped anywhere on a view.

import { h } from "./dom.js";

/**
 * @param {HTMLElement} root - the view that takes them
 * @param {(file: File) => void} take
 * @param {(sentence: string) => void} refuse - where what was dropped is no file
 * @returns {{root: HTMLElement}}
 */
export function dropping(root, take, refuse) {
  const input = h("input", {
    type: "file",
    id: "recording",
    accept: ".jsonl,.json,.ndjson,.gz,.txt,.log",
    onchange: () => {
      if (input.files.length > 0) take(input.files[0]);
      // The same file may be chosen again once it has changed.
      input.value = "";
    },
  });

  root.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    root.classList.add("dropping");
  });
  root.addEventListener("dragleave", (event) => {
    if (!root.contains(event.relatedTarget)) root.classList.remove("dropping");
  });
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    root.classList.remove("dropping");
    const [item, ...others] = [...event.dataTransfer.items].filter(({ kind }) => kind === "file");
    if (!item) refuse("That was no file: drop a trace or a file of verdicts.");
    else if (others.length > 0) refuse("Those were several files: drop one at a time.");
    else if (item.webkitGetAsEntry?.()?.isDirectory) refuse("That is a folder: drop a file that is in it.");
    else take(item.getAsFile());
  });

  return {
    root: h(
      "div",
      { class: "stack" },
      h(
        "p",
        null,
        "A trace (the policy in the ",
        h("a", { href: "#policy" }, "editor"),
        " decides about it again) or the verdicts that ",
        h("code", null, "stillgate replay"),
        " has written: JSON Lines of any size, also as ",
        h("code", null, ".gz"),
        " of one part. It is read on this device and sent nowhere.",
      ),
      h("div", { class: "field" }, h("label", { for: "recording" }, "Choose a file, or drop it anywhere on this view"), input),
    ),
  };
}
