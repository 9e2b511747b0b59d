import "../tool.ts";

/*
 * Unit tests of a tool call it directly. Only the type-check of tests includes this folder: in the
 * build `execute` is unknown, so that a program which calls a tool past the executor does not compile.
 */
declare module "../tool.ts" {
  interface BuiltinTool {
    /** What calls other tools needs an executor, and is tested with one. */
    execute(
      input: unknown,
      context: Pick<ToolContext, "signal"> & Partial<ToolContext>,
    ): Promise<unknown>;
  }
}
