// Puts regl-scatterplot and what it needs into one file, with their licences above it: npm install && npm run build
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { buildSync } from "esbuild";

const { outputFiles } = buildSync({
  stdin: { contents: 'export { default, createRenderer } from "regl-scatterplot";', resolveDir: "." },
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "latentAtlasScatterplot",
  legalComments: "none",
  write: false,
});

const folders = readdirSync("node_modules", { recursive: true })
  .filter((file) => /^(@[^/]+\/)?[^@/][^/]*\/package\.json$/.test(file) && !file.includes("esbuild"))
  .map((file) => `node_modules/${file.slice(0, -"/package.json".length)}`);
const licences = folders.sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  return `${name} ${version}, ${license}${file ? `\n\n${readFileSync(`${folder}/${file}`, "utf8").trim()}` : ""}`;
});
const code = outputFiles[0].text.replaceAll("</script", "<\\/script");
writeFileSync("../regl-scatterplot.min.js", `/*\n${licences.join("\n\n---\n\n").replaceAll("*/", "* /")}\n*/\n${code}`);
