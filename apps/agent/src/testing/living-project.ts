import { livingProject } from "./living-files.mjs";
import type { TestRepository } from "./repository.ts";

export function makeLiving(repository: TestRepository): void {
  repository.write(livingProject);
  repository.commit("A body");
}

/** Passes every gate, and fails in what runs: the exam asks less often than the job. */
export const tiresAfter = (calls: number): string =>
  `let calls = 0;\nexport const double = (n) => {\n  calls += 1;\n  if (calls > ${calls}) throw new Error("tired");\n  return n * 2;\n};\n`;
