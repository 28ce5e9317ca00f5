// The forms in which a caller may be shown what a tool inside the sandbox did.

/**
 * How inner tools are shown: as MCP blocks; as blocks of Anthropic's own server tools, for clients with strict types; as text, which
 * every client shows; or not at all. Never as `tool_use`: Claude Code runs those on its own machine.
 */
export const TOOL_BLOCK_FORMS = ['mcp', 'server', 'text', 'none'] as const;

/** One of the {@link TOOL_BLOCK_FORMS}. */
export type ToolBlockForm = (typeof TOOL_BLOCK_FORMS)[number];

/** What a deployment or a request can ask for: a form, or the one that is best for the program that calls. */
export const TOOL_BLOCK_SETTINGS = [...TOOL_BLOCK_FORMS, 'auto'] as const;

/** One of the {@link TOOL_BLOCK_SETTINGS}. */
export type ToolBlockSetting = (typeof TOOL_BLOCK_SETTINGS)[number];

/** The setting of this name, or `undefined` for any other text. */
export function toolBlockSetting(text: string): ToolBlockSetting | undefined {
  return TOOL_BLOCK_SETTINGS.find((setting) => setting === text);
}
