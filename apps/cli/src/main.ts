import { jarvis } from "./command-line/jarvis.ts";
import { isReaderGone } from "./outcome.ts";

for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: Error) => {
    if (!isReaderGone(error)) throw error;
  });
}

process.exitCode = await jarvis(process.argv.slice(2), {
  writeOut: (text) => void process.stdout.write(text),
  writeErr: (text) => void process.stderr.write(text),
});
