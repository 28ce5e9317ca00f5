// The forms in which a caller may see the tools inside the sandbox.

/**
 * The forms of inner tools: MCP blocks; blocks of Anthropic's server tools, for clients with strict types; text, which every client
 * shows; or none. Never `tool_use`: Claude Code runs those on its own machine.
 */
export const TOOL_BLOCK_FORMS = ['mcp', 'server', 'text', 'none'] as const;

/** One of the {@link TOOL_BLOCK_FORMS}. */
export type ToolBlockForm = (typeof TOOL_BLOCK_FORMS)[number];

/** The settings of a deployment or a request: a form, or `auto` for the best form of the calling client. */
export const TOOL_BLOCK_SETTINGS = [...TOOL_BLOCK_FORMS, 'auto'] as const;

/** One of the {@link TOOL_BLOCK_SETTINGS}. */
export type ToolBlockSetting = (typeof TOOL_BLOCK_SETTINGS)[number];

/** Parses a setting; `undefined` for any other text. */
export function toolBlockSetting(text: string): ToolBlockSetting | undefined {
  return TOOL_BLOCK_SETTINGS.find((setting) => setting === text);
}
