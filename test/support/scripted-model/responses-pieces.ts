import { setTimeout as delay } from 'node:timers/promises';
import { halves, type Piece } from './pieces.js';

/** Sends one event of the stream. */
export type Send = (type: string, fields: Readonly<Record<string, unknown>>) => void;

/** Streams a piece as output items, as OpenAI does; calls are of `shellTool`. */
export async function sendPiece(send: Send, piece: Piece, shellTool: string, id: string, index: number): Promise<void> {
  switch (piece.kind) {
    case 'reasoning': {
      const item = { type: 'reasoning', id: `rs_${id}`, summary: [] as unknown[] };
      const place = { item_id: item.id, output_index: index, summary_index: 0 };
      send('response.output_item.added', { output_index: index, item });
      send('response.reasoning_summary_part.added', { ...place, part: { type: 'summary_text', text: '' } });
      for (const delta of halves(piece.text)) send('response.reasoning_summary_text.delta', { ...place, delta });
      const summary = [{ type: 'summary_text', text: piece.text }];
      send('response.output_item.done', { output_index: index, item: { ...item, summary } });
      return;
    }
    case 'text': {
      const item = { type: 'message', id: `msg_${id}`, role: 'assistant', content: [] as unknown[] };
      send('response.output_item.added', { output_index: index, item });
      for (const delta of piece.deltas) {
        if (piece.intervalMilliseconds > 0) await delay(piece.intervalMilliseconds);
        send('response.output_text.delta', { item_id: item.id, output_index: index, content_index: 0, delta });
      }
      const content = [{ type: 'output_text', text: piece.deltas.join(''), annotations: [] }];
      send('response.output_item.done', { output_index: index, item: { ...item, content } });
      return;
    }
    case 'refusal': {
      const item = { type: 'message', id: `msg_${id}`, role: 'assistant', content: [] as unknown[] };
      const place = { item_id: item.id, output_index: index, content_index: 0 };
      send('response.output_item.added', { output_index: index, item });
      send('response.refusal.delta', { ...place, delta: piece.text });
      send('response.refusal.done', { ...place, refusal: piece.text });
      const content = [{ type: 'refusal', refusal: piece.text }];
      send('response.output_item.done', { output_index: index, item: { ...item, content } });
      return;
    }
    case 'calls':
      for (const [offset, command] of piece.commands.entries()) {
        const item = functionCall(shellTool, command, `${id}_${offset}`);
        send('response.output_item.added', { output_index: index + offset, item: { ...item, arguments: '' } });
        send('response.output_item.done', { output_index: index + offset, item });
      }
      return;
    case 'use':
      throw new Error('Codex has no tools of Claude Code');
    default: {
      const never: never = piece;
      return never;
    }
  }
}

function functionCall(shellTool: string, command: string, id: string) {
  const input = shellTool === 'exec_command' ? { cmd: command } : { command: ['bash', '-lc', command] };
  return {
    type: 'function_call',
    id: `fc_${id}`,
    call_id: `call_${id}`,
    name: shellTool,
    arguments: JSON.stringify(input),
  };
}
