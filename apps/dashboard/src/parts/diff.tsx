import bash from "highlight.js/lib/languages/bash";
import css from "highlight.js/lib/languages/css";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import markdown from "highlight.js/lib/languages/markdown";
import python from "highlight.js/lib/languages/python";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import { createLowlight } from "lowlight";
import { Fragment, useMemo, useState, type ReactNode } from "react";
import { openedAtOnce } from "./opened-at-once.ts";
import { parsePatch, type PatchFile, type PatchLine } from "./parse-patch.ts";
import { Text } from "./text.tsx";

const lowlight = createLowlight({
  bash,
  css,
  javascript,
  json,
  markdown,
  python,
  typescript,
  xml,
  yaml,
});
const languages: Readonly<Record<string, string>> = {
  cjs: "javascript",
  css: "css",
  html: "xml",
  js: "javascript",
  json: "json",
  jsx: "javascript",
  md: "markdown",
  mjs: "javascript",
  py: "python",
  sh: "bash",
  svg: "xml",
  ts: "typescript",
  tsx: "typescript",
  yaml: "yaml",
  yml: "yaml",
};
/** So many lines are coloured; a patch beyond is shown plain, since nobody reads it line by line. */
const COLOURED = 3000;
const LONGEST_LINE = 2000;

/** A patch with the colours of its languages. Everything in it is text: no markup is made of it. */
export function Diff({ patch }: { patch: string }): ReactNode {
  const files = useMemo(() => parsePatch(patch), [patch]);
  if (files.length === 0) {
    return (
      <pre className="output" tabIndex={0} aria-label="The patch">
        <Text>{patch}</Text>
      </pre>
    );
  }
  // By its place: one path may come twice, and both are applied.
  const opened = openedAtOnce(files);
  return files.map((file, index) => (
    <FileDiff key={`${index} ${file.path}`} file={file} isOpenAtFirst={opened[index] === true} />
  ));
}

function FileDiff({ file, isOpenAtFirst }: { file: PatchFile; isOpenAtFirst: boolean }): ReactNode {
  const [isOpen, setOpen] = useState(isOpenAtFirst);
  const language = languages[file.path.split(".").at(-1) ?? ""];
  const isColoured = language !== undefined && file.lines.length <= COLOURED;
  return (
    <details className="file" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Text>{file.path}</Text>{" "}
        <span className="muted">
          {file.added} added, {file.removed} removed
        </span>
      </summary>
      {isOpen && (
        <div className="scroll" tabIndex={0} role="region" aria-label={`Changes of ${file.path}`}>
          <table className="diff">
            <tbody>
              {file.lines.map((line, index) => (
                <tr key={index} className={line.kind}>
                  <td className="number">{line.before}</td>
                  <td className="number">{line.after}</td>
                  <td className="mark">
                    {line.kind === "added" ? "+" : line.kind === "removed" ? "−" : ""}
                  </td>
                  <td>
                    <code>
                      <Line line={line} language={isColoured ? language : undefined} />
                    </code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}

function Line({ line, language }: { line: PatchLine; language: string | undefined }): ReactNode {
  const isCode = line.kind !== "hunk" && line.kind !== "note";
  if (language === undefined || !isCode || line.text.length > LONGEST_LINE) {
    return <Text>{line.text}</Text>;
  }
  return <Nodes nodes={lowlight.highlight(language, line.text).children} />;
}

interface TreeNode {
  readonly type: string;
  readonly value?: string;
  readonly properties?: { readonly className?: unknown };
  readonly children?: readonly TreeNode[];
}

function Nodes({ nodes }: { nodes: readonly TreeNode[] }): ReactNode {
  return nodes.map((node, index) => {
    if (node.type === "text") return <Text key={index}>{node.value}</Text>;
    const names = node.properties?.className;
    return node.children === undefined ? (
      <Fragment key={index} />
    ) : (
      <span key={index} className={Array.isArray(names) ? names.join(" ") : ""}>
        <Nodes nodes={node.children} />
      </span>
    );
  });
}
