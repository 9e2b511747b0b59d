import { z } from "zod";

/** Between the body and a process of tools that it confines, as JSON over Node's channel. */

const id = z.int().nonnegative();
const text = z.string().max(4_000);

/** What a confined process says. Hostile: it runs code that nobody vouches for. */
export const FromConfined = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("loaded"),
    announced: z.array(
      z.strictObject({
        name: z.string(),
        description: text,
        effect: z.string(),
        risk: z.string(),
        timeoutMs: z.int().positive(),
        inputSchema: z.record(z.string(), z.unknown()),
      }),
    ),
  }),
  z.strictObject({ type: z.literal("done"), id, output: z.unknown() }),
  z.strictObject({
    type: z.literal("failed"),
    id,
    code: z.enum(["no-such-tool", "invalid-input", "tool-failed"]),
    message: text,
  }),
  z.strictObject({ type: z.literal("ask"), id, order: id, tool: z.string(), input: z.unknown() }),
  z.strictObject({ type: z.literal("pong"), id }),
]);
export type FromConfined = z.infer<typeof FromConfined>;

export type ToConfined =
  | { type: "order"; id: number; tool: string; input: unknown }
  | { type: "withdrawn"; id: number }
  | { type: "answer"; id: number; ok: boolean; output: unknown }
  | { type: "ping"; id: number };

/** Which tools a process loads. */
export interface ConfinedTask {
  readonly directory: string;
  readonly folders: readonly string[];
}
