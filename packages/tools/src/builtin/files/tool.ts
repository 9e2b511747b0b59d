import { constants } from "node:fs";
import { lstat, mkdir, open, readdir, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { openBodyWorkspace } from "../../body-workspace.ts";
import { defineTool } from "../../tool.ts";

const LONGEST = 200_000;
const path = z
  .string()
  .max(500)
  .regex(/^(?!\/)[^\0\\]*$/, "expected a path in the workspace")
  .refine(
    (given) => !given.split("/").some((part) => part === ".." || part === "."),
    "expected a path that stays in the workspace",
  );

/** Files of the body's own workspace: a directory of its sandbox that is gone with it. */
export const tool = defineTool({
  name: "files",
  description: "Lists, reads, writes and removes files of the body's own workspace.",
  effect: "write-workspace",
  input: z.discriminatedUnion("do", [
    z.object({ do: z.literal("list"), path: path.default("") }),
    z.object({ do: z.literal("read"), path: path.min(1) }),
    z.object({ do: z.literal("write"), path: path.min(1), content: z.string().max(LONGEST) }),
    z.object({ do: z.literal("remove"), path: path.min(1) }),
  ]),
  output: z.union([
    z.strictObject({ entries: z.array(z.string()) }),
    z.strictObject({ content: z.string(), isWhole: z.boolean() }),
    z.strictObject({ bytes: z.int().nonnegative() }),
    z.strictObject({ removed: z.literal(true) }),
  ]),
  async execute(given) {
    const root = await openBodyWorkspace();
    await refuseLinks(root, given.path);
    const target = join(root, given.path);
    switch (given.do) {
      case "list": {
        const entries = await readdir(target, { withFileTypes: true });
        const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
        return { entries: names.sort() };
      }
      case "read": {
        const file = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW);
        try {
          const { buffer, bytesRead } = await file.read(Buffer.alloc(LONGEST), 0, LONGEST, 0);
          const { size } = await file.stat();
          return { content: buffer.toString("utf8", 0, bytesRead), isWhole: size <= LONGEST };
        } finally {
          await file.close();
        }
      }
      case "write": {
        await mkdir(dirname(target), { recursive: true, mode: 0o700 });
        const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
        const file = await open(target, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
        try {
          await file.writeFile(given.content);
        } finally {
          await file.close();
        }
        return { bytes: Buffer.byteLength(given.content) };
      }
      case "remove":
        await unlink(target);
        return { removed: true as const };
    }
  },
});

/** No directory on the way may be a link: commands of the shell write there too. */
async function refuseLinks(root: string, given: string): Promise<void> {
  let at = root;
  for (const part of given.split("/").slice(0, -1)) {
    at = join(at, part);
    const stat = await lstat(at).catch(() => null);
    if (stat?.isSymbolicLink() === true) throw new Error(`${given} leads through a link`);
  }
}
