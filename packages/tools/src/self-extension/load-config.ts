import { SelfExtensionError } from "./errors.ts";
import { listTree, readFileOfTree, type Mirror } from "./git/mirror.ts";
import { CONFIG_PATH, parseGuardConfig, type GuardConfig } from "./guard-config.ts";
import { inferConfig } from "./infer-config.ts";

/**
 * The configuration of a base: its `jarvis.config.json`, or what can be inferred. Always read from
 * the base, never from a change. Throws `invalid-config` where there is neither.
 */
export async function loadConfig(mirror: Mirror, baseTree: string): Promise<GuardConfig> {
  const text = await readFileOfTree(mirror, baseTree, CONFIG_PATH);
  if (text !== null) return parseGuardConfig(text.toString("utf8"));
  const paths = (await listTree(mirror, baseTree)).map((entry) => entry.path);
  const packageJson = await readFileOfTree(mirror, baseTree, "package.json");
  const inferred = inferConfig({ paths, packageJson: packageJson?.toString("utf8") ?? null });
  if (inferred === null) {
    throw new SelfExtensionError(
      "invalid-config",
      `No verification stages are known for this repository; add a ${CONFIG_PATH} that names them.`,
    );
  }
  return inferred;
}
