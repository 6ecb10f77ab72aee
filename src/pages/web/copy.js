// Buttons that copy what stands beside them.

/** Where a page is not from localhost or over TLS there is no clipboard but by way of a selection. */
async function copy(element) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(element.textContent);
    return;
  }
  getSelection().selectAllChildren(element);
  document.execCommand("copy");
}

/** Lets a button copy the text of an element, as it is when the button is pressed. */
export function letCopy(button, element) {
  button.addEventListener("click", async () => {
    await copy(element);
    button.textContent = "Copied";
  });
}

/** Gives a block of code (class code) such a button. */
export function addCopyButton(block) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  letCopy(button, block.querySelector("code"));
  block.append(button);
}
