// Makes the wall clock of a program wrong by the milliseconds that the file CLOCK_OFF_FILE holds.
// The monotonic clock and the timers are as they were, as when somebody sets a machine's clock.
const { readFileSync } = require("node:fs");

const path = process.env.CLOCK_OFF_FILE;
const Real = Date;
let offset = 0;
let readAt = -Infinity;

function now() {
  // Read at most every 100 ms: programs ask for the time often.
  if (path !== undefined && performance.now() - readAt > 100) {
    readAt = performance.now();
    try {
      offset = Number(readFileSync(path, "utf8")) || 0;
    } catch {
      offset = 0;
    }
  }
  return Real.now() + offset;
}

globalThis.Date = class Date extends Real {
  constructor(...given) {
    if (given.length === 0) super(now());
    else super(...given);
  }
  static now() {
    return now();
  }
};
