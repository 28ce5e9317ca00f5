import type { JsonObject } from '../../../domain/harness-event.js';
import { toText } from '../../../domain/json.js';

/** A tool whose schema the API defines and that the caller runs. */
export interface AnthropicTool {
  readonly description: string;
  readonly inputSchema: JsonObject;
}

const STRING: JsonObject = { type: 'string' };
const INTEGER: JsonObject = { type: 'integer' };
const POINT: JsonObject = { type: 'array', items: INTEGER, minItems: 2, maxItems: 2 };

function object(properties: JsonObject, ...required: readonly string[]): JsonObject {
  return { type: 'object', properties, required };
}

function command(...values: readonly string[]): JsonObject {
  return { type: 'string', enum: values };
}

/**
 * The tools that callers run and declare by a type, as `bash_20250124`, without a schema: the API's models know them. An agent's model
 * gets them like any other tool. [@anthropic-ai/sdk 1.12.0, ToolUnion; platform documentation of the tools]
 */
const CALLER_RUN: readonly (readonly [RegExp, AnthropicTool])[] = [
  [
    /^bash_\d+$/,
    {
      description: 'Runs a command in a persistent bash session. `restart` starts the session anew.',
      inputSchema: object({ command: STRING, restart: { type: 'boolean' } }),
    },
  ],
  [
    /^text_editor_\d+$/,
    {
      description: 'Views, creates and edits text files, by absolute path.',
      inputSchema: object(
        {
          command: command('view', 'create', 'str_replace', 'insert', 'undo_edit'),
          path: STRING,
          file_text: STRING,
          old_str: STRING,
          new_str: STRING,
          insert_line: INTEGER,
          insert_text: STRING,
          view_range: POINT,
        },
        'command',
        'path',
      ),
    },
  ],
  [
    /^memory_\d+$/,
    {
      description: 'Keeps notes in files below /memories that outlive this conversation.',
      inputSchema: object(
        {
          command: command('view', 'create', 'str_replace', 'insert', 'delete', 'rename'),
          path: STRING,
          file_text: STRING,
          old_str: STRING,
          new_str: STRING,
          insert_line: INTEGER,
          insert_text: STRING,
          old_path: STRING,
          new_path: STRING,
          view_range: POINT,
        },
        'command',
      ),
    },
  ],
  [
    /^computer_\d+$/,
    {
      description: 'Controls the mouse and keyboard of a screen, and takes screenshots of it.',
      inputSchema: object(
        {
          action: STRING,
          coordinate: POINT,
          start_coordinate: POINT,
          text: STRING,
          duration: { type: 'number' },
          scroll_direction: command('up', 'down', 'left', 'right'),
          scroll_amount: INTEGER,
          region: { type: 'array', items: INTEGER, minItems: 4, maxItems: 4 },
        },
        'action',
      ),
    },
  ],
];

/** Finds the tool of a type that the caller runs; `undefined` for a type that the API runs itself, such as `web_search_20250305`. */
export function findAnthropicTool(type: string, declaration: JsonObject): AnthropicTool | undefined {
  const tool = CALLER_RUN.find(([pattern]) => pattern.test(type))?.[1];
  if (tool === undefined || !type.startsWith('computer_')) return tool;
  const { display_width_px: width, display_height_px: height } = declaration;
  return { ...tool, description: `${tool.description} The screen has ${toText(width)} × ${toText(height)} pixels.` };
}
