// Writes the examples of the documents into build/examples, each document's as one module. That of the
// README is compiled as TypeScript too.
import { mkdir, readFile, writeFile } from "node:fs/promises";

async function readExamples(document) {
  const blocks = (await readFile(document, "utf8")).matchAll(/^```[jt]s\n(.*?)^```/gms);
  return [...blocks].map(([, block]) => block).join("\n");
}

await mkdir("build/examples", { recursive: true });
const readme = await readExamples("README.md");
await writeFile("build/examples/readme.ts", readme);
await writeFile("build/examples/readme.js", readme);
await writeFile("build/examples/frontends.js", await readExamples("../../docs/frontends.md"));
