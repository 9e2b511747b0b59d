// Hostile on purpose, for tests: tries to write where a candidate must not, and one place it may.
// argv[2]: JSON with the paths of decoys. Prints JSON: each attempt with "written" or the refusal.
import fs from "node:fs";

const decoys = JSON.parse(process.argv[2]);

const attempts = {
  workspace: () => fs.writeFileSync("/ws/planted", "x"),
  changeWorkspace: () => fs.appendFileSync("/ws/data.txt", "x"),
  chmodWorkspace: () => fs.chmodSync("/ws/data.txt", 0o777),
  throughLink: () => fs.writeFileSync("/ws/link-to-sibling/planted", "x"),
  throughOwnLink: () => {
    fs.symlinkSync(decoys.sibling, "/out/link");
    try {
      fs.writeFileSync("/out/link/planted", "x");
    } finally {
      fs.unlinkSync("/out/link");
    }
  },
  hardLink: () => fs.linkSync("/ws/data.txt", "/out/data.txt"),
  sibling: () => fs.writeFileSync(`${decoys.sibling}/planted`, "x"),
  system: () => fs.writeFileSync("/usr/planted", "x"),
  etc: () => fs.writeFileSync("/etc/planted", "x"),
  changeHosts: () => fs.chmodSync("/etc/hosts", 0o777),
  root: () => fs.writeFileSync("/planted", "x"),
  devices: () => fs.writeFileSync("/dev/planted", "x"),
  gitHooks: () => fs.mkdirSync("/ws/.git/hooks", { recursive: true }),
  readOnlyMount: () => fs.writeFileSync("/ws/deps/planted", "x"),
  corePattern: () => fs.closeSync(fs.openSync("/proc/sys/kernel/core_pattern", "w")),
  swappiness: () => fs.writeFileSync("/proc/sys/vm/swappiness", "60"),
  controlGroup: () => fs.mkdirSync("/sys/fs/cgroup/planted", { recursive: true }),
  output: () => fs.writeFileSync("/out/mine", "x"),
  scratch: () => fs.writeFileSync("/tmp/mine", "x"),
  home: () => fs.writeFileSync(`${process.env.HOME}/mine`, "x"),
  sharedMemory: () => fs.writeFileSync("/dev/shm/mine", "x"),
  scratchInWorkspace: () => fs.writeFileSync("/ws/cache/mine", "x"),
};

const report = {};
for (const [name, attempt] of Object.entries(attempts)) {
  try {
    attempt();
    report[name] = "written";
  } catch (error) {
    report[name] = `refused: ${error.code}`;
  }
}
process.stdout.write(JSON.stringify(report));
