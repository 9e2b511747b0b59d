import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A registry on this machine that holds one package, packed by npm itself. */
export interface TestRegistry {
  /** Environment for npm: this registry, and a cache of its own. */
  readonly env: Readonly<Record<string, string>>;
  /** What a lockfile says about the package. */
  readonly locked: { version: string; resolved: string; integrity: string };
  /** Paths that were asked for. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

/** Serves `name@1.0.0` with these files; `serve` may answer other bytes than the ones packed. */
export async function startTestRegistry(
  name: string,
  files: Readonly<Record<string, string>>,
  serve: (tarball: Buffer) => Buffer = (tarball) => tarball,
): Promise<TestRegistry> {
  const directory = mkdtempSync(join(tmpdir(), "jarvis-registry-"));
  for (const [path, content] of Object.entries(files))
    writeFileSync(join(directory, path), content);
  execFileSync("npm", ["pack", "--ignore-scripts"], { cwd: directory, stdio: "ignore" });
  const tarball = readFileSync(join(directory, `${name}-1.0.0.tgz`));
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? "");
    response.end(serve(tarball));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : null;
  const registry = `http://127.0.0.1:${port}/`;
  return {
    env: {
      npm_config_registry: registry,
      npm_config_cache: join(directory, "cache"),
      // What was refused once is refused: npm waits ten seconds and more before it asks again.
      npm_config_fetch_retries: "0",
    },
    locked: {
      version: "1.0.0",
      resolved: `${registry}${name}/-/${name}-1.0.0.tgz`,
      integrity: `sha512-${createHash("sha512").update(tarball).digest("base64")}`,
    },
    requests,
    async close() {
      await new Promise((resolve) => server.close(resolve));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
