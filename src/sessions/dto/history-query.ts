import { TOOL_BLOCK_FORMS, type ToolBlockForm } from '../../domain/tool-block-form.js';
import { SessionException } from '../session.exception.js';
import { readQueryParam } from './query-text.js';

/** The longest page. A turn may have tens of megabytes of images. */
export const MAX_HISTORY_PAGE = 20;

/** A page of a thread's history. */
export interface HistoryQuery {
  readonly limit: number;
  /** The turns before this number; `undefined` for the last ones. */
  readonly before: number | undefined;
  /** How the agent's tools are shown. */
  readonly toolBlocks: ToolBlockForm;
}

/** Reads which page is asked for. @throws SessionException (400) for an invalid value. */
export function parseHistoryQuery(query: unknown): HistoryQuery {
  const limit = readQueryParam(query, 'limit') ?? String(MAX_HISTORY_PAGE);
  if (!/^\d{1,2}$/.test(limit) || Number(limit) < 1 || Number(limit) > MAX_HISTORY_PAGE)
    throw new SessionException(400, `limit must be a number from 1 to ${MAX_HISTORY_PAGE}`);
  const before = readQueryParam(query, 'before');
  if (before !== undefined && !/^\d{1,9}$/.test(before))
    throw new SessionException(400, 'before must be the number of a turn: use next_before of the previous page');
  const form = readQueryParam(query, 'tool_blocks') ?? 'mcp';
  const toolBlocks = TOOL_BLOCK_FORMS.find((known) => known === form);
  if (toolBlocks === undefined)
    throw new SessionException(400, `tool_blocks must be one of ${TOOL_BLOCK_FORMS.join(', ')}`);
  return { limit: Number(limit), before: before === undefined ? undefined : Number(before), toolBlocks };
}
