/** Control characters could move the cursor or recolour the terminal of the person who reads. */
export function plain(text: string): string {
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "?");
}
