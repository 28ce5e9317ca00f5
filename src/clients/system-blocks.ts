/** Joins the texts of a system prompt; `undefined` if all are blank. */
export function joinSystemBlocks(blocks: readonly string[]): string | undefined {
  const texts = blocks.filter((text) => text.trim() !== '');
  return texts.length === 0 ? undefined : texts.join('\n\n');
}
