import { answerAfter, answerAfterTools, type Scene } from './scene.js';

/** One piece of an answer, the same for every wire of OpenAI and Google. */
export type Piece =
  | { readonly kind: 'reasoning'; readonly text: string }
  | { readonly kind: 'text'; readonly deltas: readonly string[]; readonly intervalMilliseconds: number }
  | { readonly kind: 'refusal'; readonly text: string }
  /** Shell commands, one call each. */
  | { readonly kind: 'calls'; readonly commands: readonly string[] }
  /** A call of any other tool by its name. */
  | { readonly kind: 'use'; readonly tool: string; readonly input: Readonly<Record<string, unknown>> };

/** What every model call costs, in OpenAI's and Google's counts (input with the cached tokens in it). */
export const CALL_USAGE = {
  /** The first call of a turn. */
  first: { input: 400, cached: 300, output: 25, reasoning: 5 },
  /** Every later call of the turn, after tools have answered. */
  later: { input: 500, cached: 300, output: 25, reasoning: 5 },
} as const;

/** What the model thinks, and says, before it calls its tools. */
export const REASONING_BEFORE_TOOLS = '**Plan** run a command';
export const TEXT_BEFORE_TOOLS = 'Let me run it.';

/** What a request beside an agent's conversation is answered with. */
export const SIDE_ANSWER: Scene = { kind: 'text', text: '{"title":"A scripted title"}' };

/** What has happened since the prompt of the scene. */
export interface Since {
  /** What the tools printed, in order. */
  readonly toolOutputs: readonly string[];
  /** How many further messages of the user there are, such as the refusal of an answer. */
  readonly furtherPrompts: number;
}

/** The pieces of the next answer of a scene. */
export function piecesOf(
  scene: Exclude<Scene, { kind: 'fail' | 'hang' }>,
  { toolOutputs, furtherPrompts }: Since,
): readonly Piece[] {
  switch (scene.kind) {
    case 'use':
      if (toolOutputs.length > 0) return [textPiece(answerAfterTools(toolOutputs))];
      return [{ kind: 'use', tool: scene.tool, input: scene.input }];
    case 'text':
      return [textPiece(scene.text)];
    case 'answer':
      return [textPiece(answerAfter(scene.answers, furtherPrompts))];
    case 'stop':
      return [
        ...(scene.text === '' ? [] : [textPiece(scene.text)]),
        ...(scene.reason === 'refusal' ? [{ kind: 'refusal', text: 'I cannot help with that.' } as const] : []),
      ];
    case 'steps': {
      const command = scene.commands[toolOutputs.length];
      if (command !== undefined) return [{ kind: 'calls', commands: [command] }];
      return [textPiece(answerAfterTools(toolOutputs))];
    }
    case 'slow':
      return [slowPiece(scene.words, scene.intervalMilliseconds)];
    case 'tools':
      if (toolOutputs.length === 0) {
        return [
          { kind: 'reasoning', text: REASONING_BEFORE_TOOLS },
          { kind: 'text', deltas: [TEXT_BEFORE_TOOLS], intervalMilliseconds: 0 },
          { kind: 'calls', commands: scene.commands },
        ];
      }
      return scene.slowAnswer ? [slowPiece(20, 50)] : [textPiece(answerAfterTools(toolOutputs))];
    default: {
      const never: never = scene;
      return never;
    }
  }
}

/** A text in two deltas; fewer for a short one. */
export function halves(text: string): readonly string[] {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)].filter((half) => half !== '');
}

function textPiece(text: string): Piece {
  return { kind: 'text', deltas: halves(text), intervalMilliseconds: 0 };
}

function slowPiece(count: number, intervalMilliseconds: number): Piece {
  return { kind: 'text', deltas: Array.from({ length: count }, (_, index) => `word${index} `), intervalMilliseconds };
}
