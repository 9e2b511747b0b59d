import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import {
  discardState,
  startKernelProgram,
  tamperWithState,
  type KernelProgram,
} from "../../agent/src/testing/kernel-program.ts";
import { makeLiving } from "../../agent/src/testing/living-project.ts";
import { startModelHost } from "../../agent/src/testing/model-host.ts";
import { calls, scriptedAuthor } from "../../agent/src/testing/scripted-author.ts";
import { plainProject, type TestRepository } from "../../agent/src/testing/repository.ts";
import { startBrowser } from "./browser.ts";

/** A kernel that guards a small project whose releases run, and a browser. */
export interface World {
  readonly repository: TestRepository;
  readonly stateDir: string;
  readonly browser: Browser;
  kernel: KernelProgram;
  /** Another kernel on the same state and port, after the one before has ended. */
  restart(): Promise<void>;
  /** A browser that was let in by a link, as a person opens it. */
  open(options?: OpenOptions): Promise<Page>;
  /** Changes the lifecycle ledger as the superuser of its database does who knows of the guard. */
  tamper(statement: string): Promise<void>;
  close(): Promise<void>;
}

interface OpenOptions {
  readonly role?: "read" | "operate";
  readonly colorScheme?: "light" | "dark";
  readonly width?: number;
}

const scripts = {
  "to stand still": [
    [
      calls("write_plan", { steps: ["Look around."] }),
      calls("list_files", {}),
      calls("list_files", {}),
      calls("list_files", {}),
    ],
  ],
  "to wait for": [[{ text: "thinking, and then", hangs: true }]],
};

export async function makeWorld(): Promise<World> {
  const repository = plainProject();
  makeLiving(repository);
  const stateDir = join(repository.directory, ".jarvis");
  const models = await startModelHost(scriptedAuthor(scripts));
  const options = {
    repo: repository.directory,
    stateDir,
    env: {
      JARVIS_MODEL: "openai-compatible/scripted",
      JARVIS_MODEL_BASE_URL: models.baseUrl,
      JARVIS_MODEL_PRICE: "3/15",
    },
  };
  const kernel = await startKernelProgram(options);
  const browser = await startBrowser();
  const contexts: BrowserContext[] = [];
  const world: World = {
    repository,
    stateDir,
    browser,
    kernel,
    async restart() {
      const { port } = new URL(world.kernel.url);
      world.kernel = await startKernelProgram({ ...options, args: ["--port", port] });
    },
    async open({ role = "operate", colorScheme = "light", width = 1200 } = {}) {
      const { url } = await world.kernel.post<{ url: string }>("/api/login-links", { role });
      const context = await browser.newContext({
        colorScheme,
        viewport: { width, height: 900 },
        timezoneId: "Europe/Vienna",
        locale: "en-GB",
        reducedMotion: "reduce",
      });
      contexts.push(context);
      const page = await context.newPage();
      page.setDefaultTimeout(40_000);
      await page.goto(url);
      await page.getByRole("heading", { name: "Now", level: 1 }).waitFor();
      return page;
    },
    tamper: async (statement) =>
      await tamperWithState(stateDir, ["self_extension_events"], statement),
    async close() {
      for (const context of contexts) await context.close();
      await browser.close();
      await world.kernel.stop();
      await models.close();
      await discardState(stateDir);
      repository.remove();
    },
  };
  return world;
}
