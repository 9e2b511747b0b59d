import { join } from "node:path";
import { launcherFiles } from "./launcher-files.ts";
import { livingProject } from "./living-files.mjs";
import { plainProject, type TestRepository } from "./repository.ts";

const PROGRAM = "apps/agent/dist/main.js";

interface TinyJarvis extends TestRepository {
  readonly launcher: string;
}

/**
 * A repository that is a Jarvis: it holds its launcher and its kernel's program. The program is one
 * line that loads the real kernel, so that its releases are small.
 */
export function tinyJarvis(): TinyJarvis {
  const repository = plainProject();
  const config = JSON.parse(livingProject["jarvis.config.json"] ?? "{}") as Record<string, object>;
  repository.write({
    ...livingProject,
    [PROGRAM]: kernelProgram("the first"),
    ...launcherFiles(),
    "jarvis.config.json": JSON.stringify({
      ...config,
      kernel: { program: PROGRAM },
    }),
  });
  repository.commit("A Jarvis");
  return { ...repository, launcher: join(repository.directory, "apps/agent/dist/launcher.js") };
}

/** What makes a release of it one with another kernel. */
export const kernelProgram = (name: string): string =>
  `// ${name}\nimport ${JSON.stringify(new URL("../../dist/main.js", import.meta.url).href)};\n`;
