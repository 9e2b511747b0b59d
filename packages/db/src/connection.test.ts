import { describe, expect, it } from "vitest";
import {
  connect,
  databaseNameOf,
  socketUrl,
  withDatabase,
  withoutPassword,
  withRole,
} from "./connection.ts";

const url = "postgresql://app:p+w%40rd@db.example:5433/jarvis?sslmode=require";

describe("a database URL", () => {
  it("gets a role without losing its password or what it asked for", () => {
    expect(withRole(url, "jarvis_runtime")).toBe(
      "postgresql://app:p+w%40rd@db.example:5433/jarvis?sslmode=require&options=-c%20role%3Djarvis_runtime",
    );
    expect(withRole(`${url}&options=-c%20jit%3Doff`, "x")).toContain(
      "options=-c%20jit%3Doff%20-c%20role%3Dx",
    );
  });

  it("is shown without its password and named by its database", () => {
    expect(withoutPassword(url)).toBe("postgresql://app@db.example:5433/jarvis");
    expect(databaseNameOf(withDatabase(url, "a b"))).toBe("a b");
  });

  it("over a socket carries any path", () => {
    const socket = socketUrl({
      user: "u",
      password: "p/w",
      database: "d",
      socketDirectory: "/a b/c,d",
    });
    expect(socket).toBe("postgresql://u:p%2Fw@localhost/d?host=%2Fa%20b%2Fc%2Cd");
  });

  it.each(["", "not a url", "mysql://h/d", "postgres://host", "postgres://u:secret@:x/d"])(
    "is refused when it is %j, without its password in the message",
    (wrong) => {
      const open = () => connect(wrong, { max: 1, role: undefined, applicationName: "test" });
      expect(open).toThrow(/expected postgresql:\/\/user:password@host:port\/database/);
      expect(open).not.toThrow(/secret/);
    },
  );
});
