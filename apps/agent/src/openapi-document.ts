import { makeApi } from "./http/app.ts";
import { Places } from "./http/browser/places.ts";
import { BrowserSessions } from "./http/browser/sessions.ts";

/**
 * Prints the description of the API, for programs that are written against it. Nothing is opened: no
 * state, no database, no port.
 */
const nobody = () => null;
const api = makeApi({
  kernel: nobody,
  standby: nobody,
  live: nobody,
  page: null,
  tokens: {
    operator: "",
    recognise: () => ({ caller: null, problem: null }),
    callerOfHash: nobody,
  },
  sessions: new BrowserSessions({ stateDirectory: "", callerOfHash: nobody }),
  places: new Places({ port: () => 0, listen: "127.0.0.1", publicUrl: undefined }),
  port: () => 0,
  startedAt: new Date(0),
});
const document = api.getOpenAPI31Document({
  openapi: "3.1.0",
  info: { title: "Jarvis", version: "1" },
});
process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
