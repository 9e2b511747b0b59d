import { makeRepository, plainFiles, type TestRepository } from "@jarvis/tools/testing";

export { openRepository, type TestRepository } from "@jarvis/tools/testing";

/** A plain project without any dependency, with a test in node:test. */
export function plainProject(options: { name?: string } = {}): TestRepository {
  return makeRepository(plainFiles, options);
}

/** A module of its own, so that changes do not collide. */
export function goodPatch(repository: TestRepository, name: string): string {
  return repository.patch({ [`src/${name}.js`]: `export const ${name} = (a) => a;\n` });
}

/** A test beside a module, whose test takes so long: time to be killed in. */
export function slowPatch(repository: TestRepository, name: string, ms: number): string {
  return repository.patch({
    [`src/${name}.js`]: `export const ${name} = (a) => a;\n`,
    [`test/${name}.test.js`]: `import test from "node:test";\ntest("${name}", () => new Promise((done) => setTimeout(done, ${ms})));\n`,
  });
}
