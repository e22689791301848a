// Writes src/api/schema.ts from the description of the API:
//   node scripts/api.mjs [openapi.json]     writes it
//   node scripts/api.mjs --check [FILE]     fails when it is stale
import { readFileSync, writeFileSync } from "node:fs";

const args = process.argv.slice(2);
const check = args[0] === "--check";
if (check) args.shift();
const from = args[0] ?? new URL("../../docs/reference/openapi.json", import.meta.url).pathname;
const to = new URL("../src/api/schema.ts", import.meta.url).pathname;
const doc = JSON.parse(readFileSync(from, "utf8"));

function type(s, depth = 1) {
  if (!s || Object.keys(s).length === 0) return "unknown";
  if (s.$ref) return s.$ref.slice(s.$ref.lastIndexOf("/") + 1);
  if (s.allOf) return s.allOf.map((x) => type(x, depth)).join(" & ");
  if (s.enum) return s.enum.map((v) => JSON.stringify(v)).join(" | ");
  switch (s.type) {
    case "string":
      return "string";
    case "boolean":
      return "boolean";
    case "integer":
    case "number":
      return "number";
    case "array": {
      const of = type(s.items, depth);
      return /[|&]/.test(of) ? `(${of})[]` : `${of}[]`;
    }
    case "object": {
      if (s.additionalProperties && !s.properties) return `Record<string, ${type(s.additionalProperties, depth)}>`;
      const pad = "  ".repeat(depth);
      const required = s.required ?? [];
      const fields = Object.entries(s.properties ?? {}).map(([name, of]) => {
        const key = /^[a-zA-Z_]\w*$/.test(name) ? name : JSON.stringify(name);
        return `${pad}${key}${required.includes(name) ? "" : "?"}: ${type(of, depth + 1)};`;
      });
      return fields.length ? `{\n${fields.join("\n")}\n${"  ".repeat(depth - 1)}}` : "Record<string, never>";
    }
  }
  return "unknown";
}

const out = ["// Made from the description of the API by scripts/api.mjs. Do not edit.", ""];
for (const [name, schema] of Object.entries(doc.components.schemas).sort(([a], [b]) => (a < b ? -1 : 1))) {
  out.push(`export type ${name} = ${type(schema)};`, "");
}
out.push("// Every endpoint: what it takes and what it answers.", "export interface Endpoints {");
for (const [path, methods] of Object.entries(doc.paths).sort(([a], [b]) => (a < b ? -1 : 1))) {
  for (const [method, op] of Object.entries(methods)) {
    const body = op.requestBody?.content?.["application/json"]?.schema;
    const good = Object.entries(op.responses).find(([status]) => status.startsWith("2"))?.[1];
    const answer = good?.content?.["application/json"]?.schema;
    const query = (op.parameters ?? []).filter((p) => p.in === "query").map((p) => `${p.name}?: string | number | boolean`);
    out.push(`  /** ${op.summary} Needs ${op["x-rinca-needs"]}. */`);
    out.push(`  "${method.toUpperCase()} ${path}": { in: ${body ? type(body, 2) : "undefined"}; query: { ${query.join("; ")} }; out: ${answer ? type(answer, 2) : "undefined"} };`);
  }
}
out.push("}", "");
const text = out.join("\n");
if (check) {
  let now = "";
  try {
    now = readFileSync(to, "utf8");
  } catch {}
  if (now !== text) {
    console.error("ui/src/api/schema.ts is stale: npm --prefix ui run api");
    process.exit(1);
  }
} else {
  writeFileSync(to, text);
  console.log(`${to}: ${Object.keys(doc.paths).length} paths`);
}
