/** What is not ready by then never will be; a start on a new machine makes a database. */
const READY_MS = 120_000;
/** One that was told to stop ends by itself within 45 seconds; what does not is wedged. */
const STOP_MS = 50_000;
/** A kernel that was started too often within this time is not started again. */
const WITHIN_MS = 60_000;
/** An outage is waited for so long at first, and twice as long each time. */
const WAIT_MS = 1000;

/** What the launcher was started with; everything that is not its own is the kernel's. */
export interface LauncherOptions {
  /** The kernel's arguments. */
  readonly argv: readonly string[];
  readonly readyMs: number;
  readonly stopMs: number;
  readonly withinMs: number;
  readonly waitMs: number;
  /** End when standard input closes. */
  readonly isHeld: boolean;
  readonly stateDir: string | undefined;
}

/** Its own are `--until-stdin-closes` and the limits in milliseconds, for machines slower than most. */
export function readArguments(given: readonly string[]): LauncherOptions {
  let argv = given.filter((word) => word !== "--until-stdin-closes");
  const valueOf = (name: string): string | undefined =>
    argv.includes(name) ? argv[argv.indexOf(name) + 1] : undefined;
  const takeMs = (name: string, otherwise: number): number => {
    const value = Number(valueOf(name));
    if (argv.includes(name)) argv = argv.toSpliced(argv.indexOf(name), 2);
    return value > 0 ? value : otherwise;
  };
  const readyMs = takeMs("--ready-ms", READY_MS);
  const stopMs = takeMs("--stop-ms", STOP_MS);
  const withinMs = takeMs("--within-ms", WITHIN_MS);
  const waitMs = takeMs("--wait-ms", WAIT_MS);
  const isHeld = given.includes("--until-stdin-closes");
  return { argv, readyMs, stopMs, withinMs, waitMs, isHeld, stateDir: valueOf("--state-dir") };
}
