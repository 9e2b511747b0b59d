import { SelfExtensionError, type ScratchTree } from "@jarvis/tools/self-extension";
import { parse } from "yaml";
import { z } from "zod";
import type { TextPart } from "../kernel/model/model-port.ts";

const LONGEST = 24_000;
const MOST_SKILLS = 50;
const SKILL = /^\.agents\/skills\/[\w.-]+\/SKILL\.md$/;

/** Instructions for one kind of work, by the convention of `.agents/skills/<name>/SKILL.md`. */
export interface Skill {
  readonly name: string;
  readonly description: string;
  readonly path: string;
}

const frontMatter = z.object({ name: z.string().min(1).max(100), description: z.string() });

/** What a repository offers to whoever works on it: its `AGENTS.md`, and its skills by name. */
export async function readInstructions(
  scratch: ScratchTree,
): Promise<{ readonly parts: readonly TextPart[]; readonly skills: readonly Skill[] }> {
  const paths = scratch.paths();
  const skills: Skill[] = [];
  for (const path of paths.filter((each) => SKILL.test(each)).slice(0, MOST_SKILLS)) {
    const skill = await readSkill(scratch, path);
    if (skill !== null) skills.push(skill);
  }
  const parts: TextPart[] = [];
  const text = paths.includes("AGENTS.md") ? await readable(scratch, "AGENTS.md") : null;
  if (text !== null) {
    const shown = `The repository's AGENTS.md:\n\n${text.slice(0, LONGEST)}`;
    parts.push({ text: shown, isVolatile: true });
  }
  if (skills.length > 0) {
    const lines = skills.map(({ name, description }) => `- ${name}: ${description.slice(0, 300)}`);
    const offered = `Skills of the repository, to be read with read_skill:\n${lines.join("\n")}`;
    parts.push({ text: offered, isVolatile: true });
  }
  return { parts, skills };
}

/** A skill whose head cannot be read is left out: it is somebody's file and no reason to stop. */
async function readSkill(scratch: ScratchTree, path: string): Promise<Skill | null> {
  const head = /^---\r?\n([\s\S]*?)\r?\n---/.exec((await readable(scratch, path)) ?? "")?.[1];
  if (head === undefined || head.length > LONGEST) return null;
  try {
    return { ...frontMatter.parse(parse(head, { maxAliasCount: 0 })), path };
  } catch {
    return null;
  }
}

/** A link or an odd file is none that could be offered. */
async function readable(scratch: ScratchTree, path: string): Promise<string | null> {
  try {
    return await scratch.read(path);
  } catch (error) {
    if (error instanceof SelfExtensionError && error.code === "scratch-refused") return null;
    throw error;
  }
}
