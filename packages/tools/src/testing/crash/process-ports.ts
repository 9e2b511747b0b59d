import childProcess, { type ChildProcess } from "node:child_process";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { lives, type Life } from "./life.ts";

/** Everything of files that answers once, reads too: not chosen by hand, so that nothing is left out. */
const fileNames = Object.entries(fs.promises)
  .filter(([name, work]) => typeof work === "function" && name !== "watch" && name !== "glob")
  .map(([name]) => name as FileFunction);
type FileFunction = Exclude<keyof typeof fs.promises, "constants" | "watch" | "glob">;

/**
 * Makes every program that the pipeline starts and every file that it reads or changes a point of the
 * life in which it happens, whoever does it. Outside of a life nothing is different. Answers how
 * it is undone.
 */
export function watchProcessPorts(): () => void {
  const { spawn } = childProcess;
  const files = { ...fs.promises };
  const watchedSpawn = (...given: unknown[]): ChildProcess => {
    const life = lives.getStore();
    // Nobody is there to start anything: whoever got so far did so without the world.
    if (life?.isDead === true) throw new Error("a dead kernel starts no program");
    const child = Reflect.apply(spawn, childProcess, given) as ChildProcess;
    if (life !== undefined) watchChild(life, child, nameOfProgram(given));
    return child;
  };
  Object.assign(childProcess, { spawn: watchedSpawn });
  for (const name of fileNames) {
    const ask = files[name] as (...given: unknown[]) => Promise<unknown>;
    const watched = async (...given: unknown[]): Promise<unknown> => {
      const life = lives.getStore();
      const work = async (): Promise<unknown> => await ask(...given);
      return life === undefined ? await work() : await life.ask(`file ${name}`, work);
    };
    Object.assign(fs.promises, { [name]: watched });
  }
  syncBuiltinESMExports();
  return () => {
    Object.assign(childProcess, { spawn });
    Object.assign(fs.promises, files);
    syncBuiltinESMExports();
  };
}

function watchChild(life: Life, child: ChildProcess, name: string): void {
  const emit = child.emit.bind(child);
  child.emit = (event: string, ...rest: unknown[]) => {
    if (event === "exit" && !life.outlives(name)) return false;
    return life.isDead ? false : emit(event as "exit", ...(rest as [number, null]));
  };
  if (!name.startsWith("sandbox")) return;
  // A sandbox ends with its kernel; git ends what it has begun.
  const endWithKernel = (): void => {
    try {
      if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  };
  void life.died.then(endWithKernel);
  life.outlives(`${name} begun`);
}

function nameOfProgram(given: readonly unknown[]): string {
  const [program, list] = given as [string, string[] | undefined];
  if (program !== "git") return "sandbox";
  return `git ${(list ?? []).find((word) => !word.startsWith("-")) ?? ""}`;
}
