import { existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { makeRepository, mirrorOf } from "../../testing/git-repository.ts";
import type { GuardConfig } from "../guard-config.ts";
import { packageManagerEnv } from "../package-manager-env.ts";
import { dependencyTree } from "./dependencies.ts";

it("removes what an installation left that was killed a day ago, and none that is under way", async () => {
  const lockfile = { name: "p", version: "1.0.0", lockfileVersion: 3, requires: true };
  const repository = makeRepository({
    "package.json": JSON.stringify({ name: "p", version: "1.0.0" }),
    "package-lock.json": JSON.stringify({
      ...lockfile,
      packages: { "": { name: "p", version: "1.0.0" } },
    }),
  });
  const held = await mirrorOf(repository);
  const { mirror, tree } = held;
  try {
    const directory = join(dirname(mirror.gitDir), "dependencies");
    const [killed, running] = [join(directory, ".new-killed"), join(directory, ".new-running")];
    for (const left of [killed, running]) {
      mkdirSync(join(left, "node_modules"), { recursive: true });
      writeFileSync(join(left, "node_modules/half"), "x");
    }
    utimesSync(killed, 0, 0);
    const runtime = { env: packageManagerEnv(process.env), defaultPnpm: "12.21.0" };
    const config: GuardConfig = { version: 1, dependencies: { manager: "npm" }, stages: [] };
    const built = await dependencyTree(
      mirror,
      { tree, baseTree: tree, config },
      directory,
      runtime,
    );
    expect(existsSync(built?.directory ?? "")).toBe(true);
    expect([existsSync(killed), existsSync(running)]).toEqual([false, true]);
  } finally {
    held.remove();
    repository.remove();
  }
});
