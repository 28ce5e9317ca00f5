import type { Answer } from './answer-reader.js';
import { excerpt, parsed, property } from './reading.js';

/** Whose form a refusal has: the Responses API and Chat Completions have OpenAI's, the session API centaur's, files their caller's. */
export type RefusalForm = 'anthropic' | 'centaur' | 'openai';

/** What is known of a refused request. */
export interface Refused {
  readonly form: RefusalForm;
  /** All that the caller sent. */
  readonly input: () => string;
  /** Texts that no answer may hold. */
  readonly secrets: readonly string[];
  /** The answer has no body. */
  readonly isHead?: boolean;
}

type Problem = readonly [rule: string, text: string];

/** Longest part of its own input that a caller may find in a message, in characters: a name, not a body. */
const ECHO = 256;
/** Longest message, in characters. */
const LONGEST = 2000;

const REQUEST_ID = /^req_[0-9a-f]{24}$/;
/** A frame of a stack, a file of the server, or what a runtime says of its own values. */
const INTERNALS =
  /\n\s+at |node_modules|\/dist\/|file:\/\/|Maximum call stack|Cannot (read|convert|set) |is not a function|SQLITE|syntax error at/;

/** What is wrong with an answer as far as all answers are alike, and with the way in which a refusal is told. */
export function refusalProblems(answer: Answer, refused: Refused): readonly Problem[] {
  const id = answer.headers.get('request-id');
  const text = answer.body.toString('utf8');
  return [
    ...(id?.length === 1 && REQUEST_ID.test(id[0] ?? '') ? [] : [['request-id', `is ${JSON.stringify(id)}`] as const]),
    ...refused.secrets.filter((secret) => text.includes(secret)).map((): Problem => ['secret', excerpt(text)]),
    ...(answer.status >= 400 && refused.isHead !== true ? toldProblems(answer, text, refused) : []),
  ];
}

function toldProblems(answer: Answer, text: string, { form, input }: Refused): readonly Problem[] {
  const { headers, body } = answer;
  const value = parsed(body);
  const error = property(value, 'error');
  const message = form === 'centaur' ? error : property(error, 'message');
  const isJson = headers.get('content-type')?.[0]?.startsWith('application/json') === true;
  if (!isEnvelope(form, value, answer) || !isJson || typeof message !== 'string' || message === '') {
    return [['envelope', `not that of ${form}: ${excerpt(text)}`]];
  }
  return [
    ...(message.length > LONGEST ? [['message too long', `${message.length} characters`] as const] : []),
    ...(INTERNALS.test(message) ? [['internals', excerpt(message)] as const] : []),
    ...(message.length > ECHO && echoes(message, input()) ? [['echo', excerpt(message)] as const] : []),
  ];
}

function isEnvelope(form: RefusalForm, value: unknown, { headers }: Answer): boolean {
  const error = property(value, 'error');
  const hasType = typeof property(error, 'type') === 'string';
  switch (form) {
    case 'anthropic':
      return (
        property(value, 'type') === 'error' &&
        hasType &&
        property(value, 'request_id') === headers.get('request-id')?.[0]
      );
    case 'centaur':
      return property(value, 'ok') === false;
    case 'openai':
      return hasType && property(error, 'param') !== undefined && property(error, 'code') !== undefined;
    default:
      return form satisfies never;
  }
}

/** Whether a message repeats a long part of what the caller sent, as it was sent or decoded. */
function echoes(message: string, input: string): boolean {
  for (let start = 0; start + ECHO < message.length; start += 16) {
    const part = message.slice(start, start + ECHO + 1);
    if (input.includes(part) || input.includes(JSON.stringify(part).slice(1, -1))) return true;
  }
  return false;
}
