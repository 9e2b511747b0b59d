import { jarvis } from "./command-line/jarvis.ts";

process.exitCode = await jarvis(process.argv.slice(2), {
  writeOut: (text) => void process.stdout.write(text),
  writeErr: (text) => void process.stderr.write(text),
});
