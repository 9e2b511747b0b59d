import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Forge } from "@jarvis/forge";
import { startHoldingProxy, type HoldingProxy } from "./holding-proxy.ts";
import { discardState, startKernelProgram, type KernelProgram } from "./kernel-program.ts";
import { plainProject, type TestRepository } from "./repository.ts";
import { at, startSeededForge } from "./seeded-forge.ts";

/** A project, a forge that holds it, and between the forge and a kernel a network that can be held. */
export interface HeldHost {
  readonly repository: TestRepository;
  readonly forge: Forge;
  readonly proxy: HoldingProxy;
  readonly stateDir: string;
  /** Starts a kernel, or the next one in its place. */
  start(): Promise<KernelProgram>;
  close(): Promise<void>;
}

export async function startHeldHost(): Promise<HeldHost> {
  const directory = mkdtempSync(join(tmpdir(), "jarvis-held-"));
  const stateDir = join(directory, "state");
  const repository = plainProject();
  const forge = await startSeededForge(directory, repository);
  const proxy = await startHoldingProxy(forge);
  return {
    repository,
    forge,
    proxy,
    stateDir,
    start: async () =>
      await startKernelProgram({
        repo: repository.directory,
        stateDir,
        env: connectionTo(forge, `${proxy.url}${new URL(forge.apiUrl).pathname}`),
      }),
    async close() {
      await proxy.close();
      await forge.close();
      await discardState(stateDir);
      rmSync(directory, { recursive: true, force: true });
      repository.remove();
    },
  };
}

/** How a kernel or a command comes to the forge: at its own address, or through somebody else's. */
export function connectionTo(forge: Forge, apiUrl = forge.apiUrl): Record<string, string> {
  return {
    JARVIS_GITHUB_API_URL: apiUrl,
    GITHUB_TOKEN: forge.token,
    JARVIS_GITHUB_REPOSITORY: `${at.owner}/${at.repo}`,
  };
}
