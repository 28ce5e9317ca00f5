/**
 * The tool that receives Claude Code's structured answers (`claude --json-schema`). Claude Code offers it without forcing it.
 * [Claude Code 2.1.330, see `__fixtures__`]
 */
export const STRUCTURED_OUTPUT_TOOL = 'StructuredOutput';
