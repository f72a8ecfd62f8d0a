// Builds the page into ../app/http/page: one script, one style sheet, index.html, and the licences of what is bundled.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";

const OUT = new URL("../app/http/page/", import.meta.url);
const MODULES = new URL("node_modules/", import.meta.url);

await rm(OUT, { recursive: true, force: true });
await mkdir(OUT, { recursive: true });
const { metafile } = await build({
  absWorkingDir: new URL(".", import.meta.url).pathname,
  entryPoints: { page: "src/main.ts" },
  outdir: OUT.pathname,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  loader: { ".html": "text" },
  charset: "utf8",
  legalComments: "none", // licences.txt has the whole licences
  metafile: true,
  logLevel: "warning",
});
await writeFile(new URL("licences.txt", OUT), await licences(Object.keys(metafile.inputs)));
await copyFile(new URL("icon.svg", import.meta.url), new URL("icon.svg", OUT));
await copyFile(new URL("index.html", import.meta.url), new URL("index.html", OUT)); // last: its presence says it is whole

// Returns the licences of the packages that the inputs belong to. Fails where a package has none.
async function licences(inputs) {
  const found = inputs.map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]);
  const texts = [];
  for (const name of [...new Set(found.filter(Boolean))].sort()) {
    const folder = new URL(`${name}/`, MODULES);
    const { version, license } = JSON.parse(await readFile(new URL("package.json", folder), "utf8"));
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    if (!file) throw new Error(`${name} has no licence file`);
    texts.push(`${name} ${version} (${license})\n\n${await readFile(new URL(file, folder), "utf8")}`);
  }
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}
