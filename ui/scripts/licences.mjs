// Fails when a package that is shipped has a licence that is not known to fit.
import { readFileSync } from "node:fs";

const fits = new Set(["MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "Apache-2.0", "Unlicense", "CC0-1.0", "BlueOak-1.0.0"]);
const lock = JSON.parse(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8"));
const bad = [];
const count = {};
for (const [path, p] of Object.entries(lock.packages)) {
  if (!path || p.dev || p.devOptional) continue;
  const licence = p.license ?? "none";
  count[licence] = (count[licence] ?? 0) + 1;
  const ok = licence
    .replace(/[()]/g, "")
    .split(" OR ")
    .some((l) => l.split(" AND ").every((x) => fits.has(x.trim())));
  if (!ok) bad.push(`${path.replace(/^.*node_modules\//, "")} ${p.version}: ${licence}`);
  if (!p.integrity && !p.link) bad.push(`${path}: no digest in package-lock.json`);
}
console.log("shipped packages:", Object.entries(count).map(([l, n]) => `${n} ${l}`).join(", "));
if (bad.length) {
  console.error(bad.join("\n"));
  process.exit(1);
}
