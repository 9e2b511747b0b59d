import { readdirSync, readFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

interface PageFile {
  readonly type: string;
  readonly plain: Buffer<ArrayBuffer>;
  /** Made when it is asked for the first time. */
  brotli: Buffer<ArrayBuffer> | null;
  readonly isImmutable: boolean;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};

/** The built page, as it is answered. */
export interface Page {
  /** Null where there is no such file; every path that names no file is the page itself. */
  answer(path: string, acceptEncoding: string): Response | null;
}

/**
 * The files of a built page, read once at start: a path of a request is looked up among them and never
 * reaches the disk. Null where nothing is built there.
 */
export function readPage(directory: string): Page | null {
  const files = new Map(listFiles(directory).map((path) => [pathOf(directory, path), load(path)]));
  const index = files.get("/index.html");
  if (index === undefined) return null;
  return {
    answer(path, acceptEncoding) {
      const file = files.get(path) ?? (path.includes(".") ? null : index);
      if (file === null) return null;
      const isBrotli = /\bbr\b/.test(acceptEncoding);
      if (isBrotli) file.brotli ??= compress(file.plain);
      return new Response(isBrotli ? file.brotli : file.plain, {
        headers: {
          "content-type": file.type,
          vary: "accept-encoding",
          "cache-control": file.isImmutable ? "public, max-age=31536000, immutable" : "no-cache",
          ...(isBrotli ? { "content-encoding": "br" } : {}),
        },
      });
    },
  };
}

function listFiles(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && extname(entry.name) in types)
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return [];
  }
}

function pathOf(directory: string, path: string): string {
  return `/${relative(directory, path).split(sep).join("/")}`;
}

function load(path: string): PageFile {
  const plain = Buffer.from(readFileSync(path));
  return {
    type: types[extname(path)] ?? "application/octet-stream",
    plain,
    brotli: null,
    isImmutable: path.includes(`${sep}assets${sep}`),
  };
}

/** 9: smaller than gzip's best, and made within milliseconds. */
function compress(plain: Buffer): Buffer<ArrayBuffer> {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 9 };
  return Buffer.from(brotliCompressSync(plain, { params }));
}
