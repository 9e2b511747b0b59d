import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseSync } from "oxc-parser";

/*
 * A program of its own (`import-specifiers.ts` starts it): a line with a path and a source comes in, a
 * line with the specifiers that it imports goes out. The text is a candidate's. It is parsed by native
 * code that recurses as deep as the text is nested, and what is nested too deep ends the process.
 */

for await (const line of createInterface({ input: process.stdin })) {
  const [path, source] = JSON.parse(line) as [string, string];
  // Written at once: what is missing when this process ends is the file that ended it.
  writeSync(1, `${JSON.stringify(specifiersIn(path, source))}\n`);
}

function specifiersIn(path: string, source: string): string[] {
  const parsed = parseSync(path, source);
  const found: string[] = [];
  for (const item of parsed.module.staticImports) found.push(item.moduleRequest.value);
  for (const item of parsed.module.staticExports) {
    for (const entry of item.entries) {
      if (entry.moduleRequest != null) found.push(entry.moduleRequest.value);
    }
  }
  for (const item of parsed.module.dynamicImports) {
    const expression = source.slice(item.moduleRequest.start, item.moduleRequest.end);
    const literal = /^(["'`])([^"'`\\$]*)\1$/.exec(expression.trim());
    // A computed specifier names no file here; code that is in the closure already may hold one, and
    // changing such code needs a person in any case.
    if (literal?.[2] !== undefined) found.push(literal[2]);
  }
  // `new URL("./x.js", import.meta.url)`, `import.meta.resolve()` and require() reach files as well.
  for (const [, specifier = ""] of source.matchAll(
    /(?:new URL\(|import\.meta\.resolve\(|require(?:\.resolve)?\()\s*["'`]([^"'`$\n]+)["'`]/g,
  )) {
    found.push(specifier);
  }
  return found;
}
