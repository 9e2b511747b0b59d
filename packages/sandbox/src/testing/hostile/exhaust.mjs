// Hostile on purpose, for tests: takes as much of one thing as it can get. argv[2] says of which.
// Prints what it got, where it lives to tell.
import { spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";

const fill = (directory, totalBytes, fileBytes) => {
  const block = Buffer.alloc(1024 * 1024, 1);
  let written = 0;
  for (let file = 0; written < totalBytes; file++) {
    const descriptor = fs.openSync(`${directory}/fill-${file}`, "w");
    for (let size = 0; size < fileBytes; size += block.length) {
      try {
        written += fs.writeSync(descriptor, block);
      } catch (error) {
        process.stdout.write(`${error.code} after ${written}`);
        process.exit(0);
      }
    }
    fs.closeSync(descriptor);
  }
  process.stdout.write(`no limit after ${written}`);
};

const gibibyte = 1024 ** 3;
const programs = {
  memory: () => {
    const kept = [];
    for (let size = 0; size < 4 * gibibyte; size += 64 * 1024 * 1024) {
      kept.push(Buffer.alloc(64 * 1024 * 1024, 1));
    }
    process.stdout.write(`got ${kept.length}`);
  },
  // Each process stays below the limit of one; together they do not.
  memoryOfMany: () => {
    if (process.argv[3] === "child") {
      const kept = Buffer.alloc(120 * 1024 * 1024, 1);
      setInterval(() => kept.fill(2, 0, 1), 1000);
      return;
    }
    for (let index = 0; index < 6; index++) {
      spawn(process.execPath, [process.argv[1], "memoryOfMany", "child"], { detached: true });
    }
    setInterval(() => undefined, 1000);
  },
  // The same buffer again and again: what is in the sockets is the kernel's.
  sockets: () => {
    const full = Buffer.alloc(200 * 1024, 1);
    const wanted = Number(process.argv[3]);
    const server = net.createServer({ pauseOnConnect: true });
    let written = 0;
    server.listen("/tmp/socket", function another() {
      if (written === wanted) {
        process.stdout.write(`filled ${written}`);
        process.exit(0);
      }
      const socket = net.connect("/tmp/socket", () => {
        socket.write(full, () => {
          written++;
          setTimeout(another, 1);
        });
      });
    });
  },
  tmp: () => fill("/tmp", 4 * gibibyte, gibibyte),
  sharedMemory: () => fill("/dev/shm", 4 * gibibyte, gibibyte),
  output: () => fill("/out", gibibyte, 16 * 1024 * 1024),
  oneFile: () => fill("/out", gibibyte, gibibyte),
  emptyFiles: () => {
    for (let index = 0; index < 100_000; index++) fs.writeFileSync(`/out/${index}`, "");
  },
  hiddenOutput: () => {
    fs.mkdirSync("/out/hidden");
    fill("/out/hidden", 2 * 1024 * 1024, 1024 * 1024);
    fs.chmodSync("/out/hidden", 0);
  },
  stdout: () => {
    const line = "x".repeat(64 * 1024);
    const pour = () => process.stdout.write(line, pour);
    pour();
  },
  cpu: () => {
    for (;;);
  },
};

programs[process.argv[2]]();
