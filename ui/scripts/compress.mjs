// Compresses what was built, and holds the budget: what a first visit loads,
// and all of it.
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const dist = new URL("../../internal/web/dist/", import.meta.url).pathname;
const first = 180_000;
const all = 400_000;

const files = readdirSync(dist, { recursive: true })
  .map((f) => String(f))
  .filter((f) => statSync(join(dist, f)).isFile() && [".js", ".css", ".svg", ".html"].includes(extname(f)));
const html = readFileSync(join(dist, "index.html"), "utf8");
let total = 0;
let begin = 0;
for (const f of files) {
  const data = readFileSync(join(dist, f));
  const gz = gzipSync(data, { level: 9 });
  const br = brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: data.length } });
  if (f !== "index.html" && data.length > 1024) {
    writeFileSync(join(dist, f + ".gz"), gz);
    writeFileSync(join(dist, f + ".br"), br);
  }
  total += br.length;
  if (f === "index.html" || html.includes("/" + f)) begin += br.length;
  if (data.length > 20_000) console.log(`${f.padEnd(44)} ${kB(data.length)} plain ${kB(gz.length)} gzip ${kB(br.length)} brotli`);
}
console.log(`first load ${kB(begin)} brotli (at most ${kB(first)}), everything ${kB(total)} (at most ${kB(all)})`);
if (begin > first || total > all) {
  console.error("too large: look at what was imported last");
  process.exit(1);
}

function kB(n) {
  return `${(n / 1000).toFixed(1)} kB`.padStart(9);
}
