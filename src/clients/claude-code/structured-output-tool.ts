/**
 * The tool by which Claude Code gets an answer that follows a schema (`claude --json-schema`). It offers the tool without forcing it.
 * [Claude Code 2.1.330, see `__fixtures__`]
 */
export const STRUCTURED_OUTPUT_TOOL = 'StructuredOutput';
