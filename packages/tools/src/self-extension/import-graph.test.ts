import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  makeRepository,
  mirrorOf,
  treeFrom,
  type TestRepository,
} from "../testing/git-repository.ts";
import { closureOf, readImportGraph, type ImportGraph } from "./import-graph.ts";

let repository: TestRepository;
let world: Awaited<ReturnType<typeof mirrorOf>>;

beforeAll(async () => {
  repository = makeRepository({ "README.md": "x\n" });
  world = await mirrorOf(repository);
});

afterAll(() => {
  world.remove();
  repository.remove();
});

describe("readImportGraph", () => {
  it.each([
    [`import { a } from "./a.ts";`, ["src/a.ts"]],
    [`import "./a.js";`, ["src/a.ts"]],
    [`import type { A } from "./a.js";`, ["src/a.ts"]],
    [`export * from "./a.js";`, ["src/a.ts"]],
    [`export { a } from "./a";`, ["src/a.ts"]],
    [`const a = await import("./a.js");`, ["src/a.ts"]],
    ["const a = await import(`./a.js`);", ["src/a.ts"]],
    [`const a = require("./a");`, ["src/a.ts"]],
    [`new Worker(new URL("./a.js", import.meta.url));`, ["src/a.ts"]],
    [`import.meta.resolve("./a.js");`, ["src/a.ts"]],
    [`import data from "./data.json" with { type: "json" };`, ["src/data.json"]],
    [`import "./folder";`, ["src/folder/index.ts"]],
    [`import "@local/lib";`, ["packages/lib/src/index.ts"]],
    [`import "@local/lib/deep";`, ["packages/lib/src/deep.ts"]],
    [`import "@local/lib/tools/hammer";`, ["packages/lib/src/tools/hammer.ts"]],
    [`require("@local/lib/deep");`, ["packages/lib/src/deep.ts"]],
    [`import "@local/plain";`, ["packages/plain/lib/start.js"]],
    [`import "@local/plain/lib/other.js";`, ["packages/plain/lib/other.js"]],
    [`import "#inner";`, ["src/a.ts"]],
    [`import "zod"; import "node:fs"; import "@local/library";`, []],
    [`// import "./a.js";\nconst text = 'import "./a.js"';`, []],
  ])("reads what %j reaches", async (source, reached) => {
    const graph = await graphOf({ "src/main.ts": source });
    expect(graph.imports("src/main.ts")).toEqual(reached);
  });

  it("follows imports all the way, round in circles too", async () => {
    const graph = await graphOf({
      "src/main.ts": `import "./one.ts";`,
      "src/one.ts": `import "./two.ts";`,
      "src/two.ts": `import "./one.ts"; import "./a.ts";`,
      "src/alone.ts": "",
    });
    expect([...closureOf(graph, ["src/main.ts", "src/gone.ts"])].toSorted()).toEqual([
      "src/a.ts",
      "src/main.ts",
      "src/one.ts",
      "src/two.ts",
    ]);
  });

  it("sees what can be read of a file with a syntax error and of a manifest that is none", async () => {
    const graph = await graphOf({ "src/main.ts": `import "./a.ts"; const = ;` });
    expect(graph.paths.has("src/main.ts")).toBe(true);
    const broken = await graphOf({ "package.json": "{", "src/main.ts": `import "./a.ts";` });
    expect(broken.imports("src/main.ts")).toEqual(["src/a.ts"]);
  });

  it.each(["\u2028", "\u2029", "\r", "\0"])(
    "reads a source that holds %j as it is",
    async (odd) => {
      const graph = await graphOf({ "src/main.ts": `import "./a.ts"; // ${odd}\n"${odd}";` });
      expect([...graph.unread]).toEqual([]);
      expect(graph.imports("src/main.ts")).toEqual(["src/a.ts"]);
    },
  );

  it("keeps nobody else waiting for files that import very much", async () => {
    const source = Array.from({ length: 60_000 }, (_, index) => `import"./x${index}"`).join("\n");
    const files = Array.from({ length: 12 }, (_, index) => [`src/${index}/much.ts`, source]);
    // In time of the processor: what others on the machine take is not this reader's doing.
    const worked = (): number => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    };
    let longestMs = 0;
    let last = worked();
    const tick = (): void => {
      longestMs = Math.max(longestMs, worked() - last);
      last = worked();
    };
    const timer = setInterval(tick, 20);
    const graph = await graphOf(Object.fromEntries(files) as Record<string, string>);
    tick();
    clearInterval(timer);
    expect([...graph.unread]).toEqual([]);
    expect(longestMs).toBeLessThan(2000);
  });

  // Inert here: brackets in a git tree. A parser that recurses that deep ends its whole process.
  it.each([
    ["brackets", "[".repeat(200_000)],
    ["negations", `${"!".repeat(200_000)}1`],
    ["calls", `a${"()".repeat(200_000)}`],
    ["conditions", `${"if(1)".repeat(200_000)};`],
  ])("outlives a source of nothing but %s, and reads the others", async (_, hostile) => {
    const graph = await graphOf({
      "src/first.ts": `import "./a.ts";`,
      "src/hostile.ts": `import "./a.ts";\n${hostile}`,
      "src/last.ts": `import "./a.ts";`,
    });
    expect([...graph.unread]).toEqual(["src/hostile.ts"]);
    expect(graph.imports("src/first.ts")).toEqual(["src/a.ts"]);
    expect(graph.imports("src/last.ts")).toEqual(["src/a.ts"]);
  });
});

async function graphOf(files: Record<string, string>): Promise<ImportGraph> {
  const all: Record<string, string> = {
    "package.json": JSON.stringify({ name: "root", imports: { "#inner": "./src/a.ts" } }),
    "src/a.ts": "export const a = 1;",
    "src/data.json": "{}",
    "src/folder/index.ts": "",
    "packages/lib/package.json": JSON.stringify({
      name: "@local/lib",
      exports: {
        ".": { types: "./dist/index.d.ts", default: "./dist/index.js" },
        "./deep": "./src/deep.ts",
        "./tools/*": { default: "./dist/tools/*.js" },
      },
    }),
    "packages/lib/src/index.ts": "",
    "packages/lib/src/deep.ts": "",
    "packages/lib/src/tools/hammer.ts": "",
    "packages/plain/package.json": JSON.stringify({ name: "@local/plain", main: "lib/start.js" }),
    "packages/plain/lib/start.js": "",
    "packages/plain/lib/other.js": "",
    ...files,
  };
  const tree = await treeFrom(
    world.mirror,
    Object.entries(all).map(([path, content]) => ({ path, content })),
  );
  return await readImportGraph(world.mirror, tree);
}
