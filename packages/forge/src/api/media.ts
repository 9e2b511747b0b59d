/** GitHub's media types for changes: JSON unless the client asks for text. */
export function wantedMedia(accept: string): "json" | "diff" | "patch" {
  const match = /application\/vnd\.github(?:\.v3)?\.(diff|patch)\b/u.exec(accept);
  return match?.[1] === "diff" || match?.[1] === "patch" ? match[1] : "json";
}
