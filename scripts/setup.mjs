// Sets a clone up: checks Node and git, installs what is missing and can be installed, installs the
// dependencies with the pinned pnpm and builds. Only Node's own modules: nothing is installed yet.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));
const { packageManager } = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
);

/** The pnpm that the repository pins, through npx, so that nothing has to be installed globally. */
export const pnpm = ["npx", "--yes", packageManager];

export const environment = {
  ...process.env,
  // npx brings its own npm settings along, which pnpm would read as its own.
  npm_config_loglevel: "error",
  TURBO_TELEMETRY_DISABLED: "1",
  DO_NOT_TRACK: "1",
};

/** Ends set-up with a sentence that says what to do. */
function stop(sentence) {
  process.stderr.write(`jarvis: ${sentence}\n`);
  process.exit(3);
}

export function run(argv, options = {}) {
  const [command, ...args] = argv;
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: environment,
    ...options,
  });
  if (result.error !== undefined) stop(`${command} could not be started: ${result.error.message}`);
  return result.status ?? 1;
}

/**
 * Runs programs side by side, at most so many at a time and begun in the order given. Answers a
 * promise for each of how it ended and what it said, apart from what the others said.
 */
export function runSideBySide(argvs, most) {
  const waiting = argvs.map((argv) => {
    const entry = { argv };
    entry.ended = new Promise((resolve) => (entry.tell = resolve));
    return entry;
  });
  const promises = waiting.map(({ ended }) => ended);
  const next = () => {
    const entry = waiting.shift();
    if (entry !== undefined) runAside(entry.argv, (result) => (entry.tell(result), next()));
  };
  for (let started = 0; started < most; started += 1) next();
  return promises;
}

function runAside([command, ...args], onEnd) {
  const child = spawn(command, args, {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: environment,
  });
  let output = "";
  const keep = (chunk) => (output += chunk);
  child.stdout.setEncoding("utf8").on("data", keep);
  child.stderr.setEncoding("utf8").on("data", keep);
  child.once("error", (error) => stop(`${command} could not be started: ${error.message}`));
  child.once("close", (status) => onEnd({ status: status ?? 1, output }));
}

function isInstalled(program) {
  return spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;
}

/** Installs Debian packages where that is possible, else stops with the command to type. */
export function needProgram(program, debianPackage, what, otherNames = []) {
  if ([program, ...otherNames].some(isInstalled)) return;
  const canInstall = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
  const install = ["apt-get", "install", "-y", "--no-install-recommends", debianPackage];
  if (!canInstall) {
    stop(`${program} is missing (${what}); type: sudo apt-get install ${debianPackage}`);
  }
  process.stdout.write(`Installing ${debianPackage} (${what})\n`);
  const env = { ...environment, DEBIAN_FRONTEND: "noninteractive" };
  const quiet = { stdio: ["ignore", "ignore", "inherit"], env };
  run(["apt-get", "update"], quiet);
  if (run(install, quiet) !== 0 || !isInstalled(program)) {
    stop(`${debianPackage} could not be installed; type: sudo apt-get install ${debianPackage}`);
  }
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  stop(`Node.js ${process.version} is too old; install 20.19 or newer (24 is recommended).`);
}

function checkGit() {
  const result = spawnSync("git", ["--version"], { encoding: "utf8" });
  const [, major, minor] = /(\d+)\.(\d+)/.exec(result.stdout ?? "") ?? [];
  if (Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 38)) return;
  stop("git 2.38 or newer is needed; type: sudo apt-get install git");
}

/** Everything up to a build. Doing it again is quick and changes nothing. */
export function setUp() {
  checkNode();
  checkGit();
  if (process.platform === "linux") {
    needProgram("bwrap", "bubblewrap", "the sandbox in which changes are proved");
  }
  process.stdout.write("Installing dependencies\n");
  const install = [
    ...pnpm,
    "install",
    "--frozen-lockfile",
    "--reporter=append-only",
    "--loglevel=warn",
  ];
  if (run(install) !== 0) stop("the dependencies could not be installed; the lines above say why.");
  process.stdout.write("Building\n");
  if (run([...pnpm, "exec", "turbo", "run", "build", "--output-logs=errors-only"]) !== 0) {
    stop("the build failed; the lines above say where.");
  }
}
