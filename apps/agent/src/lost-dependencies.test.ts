import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  discardState,
  startKernelProgram,
  until,
  type KernelProgram,
} from "./testing/kernel-program.ts";
import { livingProject } from "./testing/living-files.mjs";
import { plainProject, type TestRepository } from "./testing/repository.ts";

interface Status {
  readonly body: { readonly state: string; readonly problem: string | null } | null;
}

let repository: TestRepository;
let stateDir: string;
let kernel: KernelProgram;

/** The living project with a package of its own, which npm puts under `node_modules`. */
function withDependency(): TestRepository {
  const project = plainProject();
  const config = JSON.parse(livingProject["jarvis.config.json"] ?? "{}") as object;
  const halves = { name: "halves", version: "1.0.0", type: "module", exports: "./index.js" };
  const dependencies = { halves: "file:./halves" };
  const manifest = { name: "plain", version: "1.0.0", type: "module", dependencies };
  project.write({
    ...livingProject,
    "body.js": `import "halves";\n${livingProject["body.js"] ?? ""}`,
    "halves/package.json": JSON.stringify(halves),
    "halves/index.js": "export const half = (n) => n / 2;\n",
    "package.json": JSON.stringify(manifest),
    "package-lock.json": JSON.stringify({
      name: "plain",
      version: "1.0.0",
      lockfileVersion: 3,
      requires: true,
      packages: {
        "": { name: "plain", version: "1.0.0", dependencies },
        halves: { version: "1.0.0" },
        "node_modules/halves": { resolved: "halves", link: true },
      },
    }),
    "jarvis.config.json": JSON.stringify({ ...config, dependencies: { manager: "npm" } }),
  });
  project.commit("A body that needs a package");
  return project;
}

const start = async (): Promise<void> => {
  kernel = await startKernelProgram({ repo: repository.directory, stateDir });
};

const bodyIs = async (wanted: string): Promise<Status> =>
  await until(async () => {
    const status = await kernel.get<Status>("/api/status");
    return status.body?.state === wanted ? status : null;
  });

beforeAll(async () => {
  repository = withDependency();
  stateDir = join(repository.directory, ".jarvis");
  await start();
  await kernel.post("/api/mode", { mode: "execute", reason: "test" });
});

afterAll(async () => {
  await kernel.stop();
  await discardState(stateDir);
  repository.remove();
});

it("a blessed release whose dependencies are gone has them made again, and runs", async () => {
  expect((await bodyIs("running")).body?.problem).toBeNull();
  const trees = readdirSync(join(stateDir, "dependencies"));
  expect(trees).toHaveLength(1);
  await kernel.stop();
  rmSync(join(stateDir, "dependencies"), { recursive: true });
  await start();
  await bodyIs("running");
  expect(readdirSync(join(stateDir, "dependencies"))).toEqual(trees);
  expect(existsSync(join(stateDir, "dependencies", trees[0] ?? "", "node_modules"))).toBe(true);
});
