export const packageName = "@jarvis/db";
