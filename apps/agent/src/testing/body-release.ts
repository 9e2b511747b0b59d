import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import type { BodyRelease } from "../kernel/body/release-world.ts";

const root = fileURLToPath(new URL("../../../../", import.meta.url));

/**
 * This working tree as a release: what was built of it (the tests' global set-up does) and the
 * examples, with its dependencies mounted where they are.
 */
export function releaseOfWorkingTree(): BodyRelease {
  const directory = temporary();
  const projects = ["packages", "apps"].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => `${folder}/${name}`),
  );
  for (const project of projects) {
    for (const part of ["package.json", "dist", "src/builtin"]) {
      const source = join(root, project, part);
      if (existsSync(source)) cpSync(source, join(directory, project, part), { recursive: true });
    }
  }
  const nodeModules = ["node_modules", ...projects.map((project) => `${project}/node_modules`)];
  for (const path of nodeModules) mkdirSync(join(directory, path), { recursive: true });
  return {
    directory,
    digest: "sha256:working-tree",
    dependencies: { directory: root, nodeModules },
  };
}

/** A release whose body misbehaves: see `bodies/body.mjs`. */
export function releaseOfScript(): BodyRelease {
  const directory = temporary();
  const dependencies = temporary();
  cpSync(join(import.meta.dirname, "bodies"), directory, { recursive: true });
  for (const place of [directory, dependencies]) mkdirSync(join(place, "node_modules"));
  return {
    directory,
    digest: "sha256:script",
    dependencies: { directory: dependencies, nodeModules: ["node_modules"] },
  };
}

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), "jarvis-body-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
