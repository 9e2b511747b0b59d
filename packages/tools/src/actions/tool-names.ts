/** The action that calls a tool. */
export function actionNameOf(toolName: string): string {
  return `tool:${toolName}`;
}
