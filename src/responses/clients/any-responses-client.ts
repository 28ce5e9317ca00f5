import { keepText } from '../../domain/text-filter.js';
import type { ResponsesClient } from './responses-client.js';

/** Any client of the Responses API: every request is a turn, and every text is the user's. */
export const anyResponsesClient: ResponsesClient = {
  kind: 'responses',
  isSender: () => true,
  sendsWholeConversation: false,
  countsRetries: true,
  lendsTools: true,
  hasInstructions: true,
  needsFailuresInStream: false,
  view: { toolForm: 'calls', usageOf: 'turn', endsCancelled: false },
  findSession: () => undefined,
  findTurnId: () => undefined,
  findMaker: () => undefined,
  sideAnswer: () => undefined,
  filterText: keepText,
  arrange: (entries) => entries,
  wasInterrupted: () => false,
  findSummary: () => undefined,
};
