// Bundles the client into one readable module: for the package, and for cartd's own pages.
import { build } from "esbuild";
import { copyFile } from "node:fs/promises";

await build({
  entryPoints: ["src/index.ts"],
  outfile: "dist/client.js",
  bundle: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  banner: {
    js: `/*
 * cartd's client, made of clients/typescript by \`npm run build\`: change it there.
 * With openapi-fetch, copyright (c) 2023 Drew Powers, under the same MIT licence.
 */`,
  },
});
await copyFile("dist/client.js", "../../src/pages/web/client.js");
