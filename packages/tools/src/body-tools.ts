import { fileURLToPath } from "node:url";
import { openBodyWorkspace } from "./body-workspace.ts";
import { askedWithin, callByManifest } from "./confined/by-manifest.ts";
import { ConfinedProcess, nothing } from "./confined/confined-process.ts";
import { readManifest, type ToolManifest } from "./confined/manifest.ts";
import { BUILTIN, builtinFolders } from "./import-builtins.ts";
import { BodyToolError, loadTools, type AnnouncedTool } from "./loaded-tools.ts";
import type { ToolContext } from "./tool.ts";

export { BodyToolError, type AnnouncedTool } from "./loaded-tools.ts";

/**
 * The built-in tools as the body has them. The body is no judge: its kernel decides, by the executor,
 * and orders each call over the channel. So there is no executor here, nor anything that holds a
 * credential, and what a tool needs to be called is the order.
 */
export interface BodyTools {
  /** What the kernel is told about them. */
  readonly announced: readonly AnnouncedTool[];
  /**
   * Carries an order out.
   * @throws BodyToolError, or whatever the tool throws: the sentence of an Error is for people
   */
  carryOut(order: KernelOrder, context: ToolContext): Promise<unknown>;
  /** Resolves when the tools could be called: not while one of them is busy without end. */
  alive(): Promise<void>;
  /** Resolves when they cannot be called any more. */
  readonly ended: Promise<void>;
  end(): void;
}

/**
 * The permission that came over the channel: one call of one tool with one input. Made by whoever
 * reads the kernel's messages, from such a message and from nothing else.
 */
export class KernelOrder {
  readonly #tool: string;
  readonly #input: unknown;
  #isUsed = false;

  private constructor(tool: string, input: unknown) {
    this.#tool = tool;
    this.#input = input;
  }

  static fromMessage(message: { type: "perform"; tool: string; input: unknown }): KernelOrder {
    return new KernelOrder(message.tool, message.input);
  }

  /** What is ordered, once: an order is not a standing permission. */
  take(): { tool: string; input: unknown } {
    if (this.#isUsed) throw new Error("an order of the kernel is carried out once.");
    this.#isUsed = true;
    return { tool: this.#tool, input: this.#input };
  }
}

/**
 * Tools whose work is what the body can do and others may not: they run in the body's own process.
 * Only a person changes them (`kernel.paths` in jarvis.config.json); every other tool is confined.
 */
export const vouchedFor: ReadonlySet<string> = new Set([
  "builtin-modify",
  "files",
  "http-fetch",
  "shell",
  "sql-query",
  "tool-delete",
  "tool-write",
]);

/** Manifests are no code, so they are where the sources are, of a build too. */
const MANIFESTS = fileURLToPath(new URL("../src/builtin/", import.meta.url));

/** Loads every built-in tool of the release that the body runs from. */
export async function loadBodyTools(
  directory = BUILTIN,
  manifestDirectory = MANIFESTS,
): Promise<BodyTools> {
  const folders = await builtinFolders(directory);
  const workspace = await openBodyWorkspace();
  const confined = folders.filter((name) => !vouchedFor.has(name));
  const manifests = new Map<string, ToolManifest | null>();
  for (const name of confined) manifests.set(name, await readManifest(manifestDirectory, name));
  // One process is enough for tools that may have nothing: they have nothing to keep from each other.
  const closed = new ConfinedProcess({ directory, folders: confined }, { workspace, ...nothing });
  const own = await loadTools(
    directory,
    folders.filter((name) => vouchedFor.has(name)),
  );
  const announced = [...own.announced, ...(await closed.loaded)];
  return {
    announced: announced.toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    alive: async () => await closed.alive(),
    ended: closed.ended,
    end: () => closed.end(),
    async carryOut(order, context) {
      const { tool, input } = order.take();
      if (vouchedFor.has(tool)) return await own.carryOut(tool, input, context);
      const manifest = manifests.get(tool);
      if (manifest === undefined) {
        throw new BodyToolError("no-such-tool", `There is no tool ${tool}.`);
      }
      if (manifest !== null) {
        return await callByManifest(manifest, { directory, tool, workspace }, input, context);
      }
      const call = askedWithin(null, tool, context);
      return await closed.carryOut(tool, input, { signal: context.signal, call });
    },
  };
}
