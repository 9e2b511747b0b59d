// Obtains the public test vectors that the ledger is held against:
// packages/ledger/test-fixtures/vectors.json. Needs git and the network:
//
//   node scripts/cut-vectors.mjs [--from OWNER/NAME=DIRECTORY ...]
//
// Each repository is fetched by the commit named here, which is the digest of all that it holds: git
// refuses anything else under that name, also from a mirror given with --from. The same commits give
// the same bytes.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const merkle = {
  repository: "transparency-dev/merkle",
  commit: "417fb0c314750d94e53942e9f92e79b6d35915db",
  licence: "Apache-2.0",
};
const jcs = {
  repository: "cyberphone/json-canonicalization",
  commit: "19d51d7fe467d4706a3ff08adf8a748f29fc21e0",
  licence: "Apache-2.0",
};
const dsse = {
  repository: "secure-systems-lab/dsse",
  commit: "eebf7b59b17a06efd2d8a531fc30d1d193520adb",
  licence: "Apache-2.0",
};
const c2sp = {
  repository: "C2SP/C2SP",
  commit: "5ba5ee830903e91240fc6f9f3a7a9293d49e69c9",
  licence: "CC-BY-4.0",
};

const { values } = parseArgs({
  options: { from: { type: "string", multiple: true, default: [] } },
});
const mirrors = new Map(values.from.map((given) => given.split("=", 2)));
const gitDir = mkdtempSync(join(tmpdir(), "ledger-vectors-"));
try {
  git("init", "--quiet", "--bare");
  for (const { repository, commit } of [merkle, jcs, dsse, c2sp]) {
    const address = mirrors.get(repository) ?? `https://github.com/${repository}`;
    git("fetch", "--quiet", "--depth", "1", "--no-tags", address, commit);
  }
  const fixture = {
    inclusion: { ...merkle, cases: proofsIn("testdata/inclusion") },
    consistency: { ...merkle, cases: proofsIn("testdata/consistency") },
    canonical: { ...jcs, cases: canonicalCases() },
    envelope: { ...dsse, ...envelopeExample() },
    note: { ...c2sp, ...noteExample() },
    checkpoint: { ...c2sp, note: blockIn(text(c2sp, "tlog-checkpoint.md")) },
  };
  const fixtures = new URL("../packages/ledger/test-fixtures/", import.meta.url);
  mkdirSync(fixtures, { recursive: true });
  const written = `${JSON.stringify(fixture, null, 1)}\n`;
  writeFileSync(new URL("vectors.json", fixtures), written);
  for (const [name, { cases }] of Object.entries(fixture)) {
    process.stdout.write(`${name.padEnd(12)} ${cases === undefined ? 1 : cases.length}\n`);
  }
} finally {
  rmSync(gitDir, { recursive: true, force: true });
}

/** Proofs of sizes, with whether a verifier has to refuse them. */
function proofsIn(folder) {
  return files(merkle, folder).map((path) => ({
    path: path.slice(folder.length + 1),
    ...JSON.parse(text(merkle, path)),
  }));
}

/** What is handed in and what has to come out, as the repository's own hexadecimal bytes of it. */
function canonicalCases() {
  return files(jcs, "testdata/input").map((path) => {
    const name = path.slice("testdata/input/".length, -".json".length);
    return {
      name,
      input: text(jcs, path),
      outputHex: text(jcs, `testdata/outhex/${name}.txt`).replaceAll(/\s+/g, ""),
    };
  });
}

/** The example of the protocol: what is signed, the key, and the envelope. */
function envelopeExample() {
  const part = text(dsse, "protocol.md").split("## Test Vectors")[1];
  const number = (name) => new RegExp(`^${name}: (\\d+)$`, "m").exec(part)[1];
  return {
    preAuthEncoding: /PAE:\s+```none\n(.*)\n```/.exec(part)[1],
    publicKey: { x: number("X"), y: number("Y") },
    envelope: JSON.parse(/```json\n([\s\S]*?)```/.exec(part)[1]),
  };
}

function noteExample() {
  const part = text(c2sp, "signed-note.md").split("### Example")[1];
  return { key: /^ {4}(\S+)$/m.exec(part)[1], note: blockIn(part) };
}

/** The first fenced block of a page. */
function blockIn(page) {
  return /```\n([\s\S]*?)```/.exec(page)[1];
}

function files({ commit }, folder) {
  return git("ls-tree", "-r", "--name-only", commit, `${folder}/`).trim().split("\n");
}

function text({ commit }, path) {
  return git("show", `${commit}:${path}`);
}

function git(...args) {
  return execFileSync("git", args, {
    cwd: gitDir,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
    env: { ...process.env, GIT_TERMINAL_PROMPT: "0" },
  });
}
