import {
  type Attributes,
  type Context,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import type { Message } from '../../anthropic/stream-event.js';
import type { HarnessEvent, TokenUsage } from '../../domain/harness-event.js';
import { renderTraceparent } from '../../domain/traceparent.js';
import type { Thread } from '../../storage/stores/thread.store.js';
import type { Turn } from '../../storage/stores/turn.js';
import type { EndedTurn } from '../../turns/running/ended-turn.js';
import { readPrompt, readTraceParent } from '../../turns/running/input/stored-request.js';
import type { TurnObservation, TurnObserver } from '../../turns/running/turn-observer.js';
import { renderToolArguments, renderInput, renderOutput, renderToolResult } from './content.js';
import { toParentContext, toTraceParent } from './span-parent.js';

/** Whose models the agents ask: well-known values of `gen_ai.provider.name`. Other harnesses go by their own names. */
const PROVIDERS: ReadonlyMap<string, string> = new Map([
  ['claude-code', 'anthropic'],
  ['codex', 'openai'],
]);

/**
 * The spans of turns, by the conventions for GenAI agents (OpenTelemetry semantic conventions 1.41.0, gen-ai-agent-spans.md): `invoke_agent` for
 * the turn, `chat` for each call of its model, `execute_tool` for each tool, and one of our own for the wait for the agent. A turn continues the trace of its request, also
 * on another server, as the store has it.
 */
export class TurnSpans implements TurnObserver {
  constructor(
    private readonly tracer: Tracer,
    private readonly capturesContent: boolean,
  ) {}

  begin(turn: Turn, thread: Thread): TurnObservation {
    return new TurnSpan(this.tracer, this.capturesContent, turn, thread);
  }
}

class TurnSpan implements TurnObservation {
  readonly #span: Span;
  readonly #context: Context;
  readonly #tools = new Map<string, Span>();
  #start: Span | undefined;
  #modelCall: Span | undefined;
  /** Since when the agent has what its next model call is about: its start, the end of the call before, or the result of a tool. */
  #readySince: number | undefined;

  constructor(
    private readonly tracer: Tracer,
    private readonly capturesContent: boolean,
    turn: Turn,
    private readonly thread: Thread,
  ) {
    const { harness, harnessModel } = thread;
    const attributes: Attributes = {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.provider.name': PROVIDERS.get(harness) ?? harness,
      'gen_ai.agent.name': harness,
      'gen_ai.conversation.id': thread.id,
      ...(harnessModel === undefined ? {} : { 'gen_ai.request.model': harnessModel }),
      'chiron.turn.id': turn.id,
      'chiron.tenant': thread.tenant,
      ...(capturesContent ? { 'gen_ai.input.messages': renderInput(readPrompt(turn)) } : {}),
    };
    const parent = toParentContext(readTraceParent(turn));
    this.#span = tracer.startSpan(`invoke_agent ${harness}`, { kind: SpanKind.INTERNAL, attributes }, parent);
    this.#context = trace.setSpan(parent, this.#span);
  }

  get traceparent(): string {
    return renderTraceparent(toTraceParent(this.#span.spanContext()));
  }

  attempt(attempt: number): void {
    this.endOpen('process_died');
    const attributes: Attributes = { 'chiron.turn.attempt': attempt, 'gen_ai.agent.name': this.thread.harness };
    this.#start = this.tracer.startSpan(`start_agent ${this.thread.harness}`, { attributes }, this.#context);
  }

  emitted(events: readonly HarnessEvent[]): void {
    for (const event of events) {
      if (event.type === 'attempt-start') continue;
      if (this.#start !== undefined) this.#readySince = Date.now();
      this.#start?.end();
      this.#start = undefined;
      this.follow(event);
    }
  }

  end({ usage, failure }: EndedTurn, reason: string, message: Message | undefined): void {
    this.#span.setAttributes({
      ...toUsageAttributes(usage),
      'gen_ai.response.finish_reasons': [reason],
      ...(message === undefined ? {} : { 'gen_ai.response.model': message.model }),
      ...(this.capturesContent && message !== undefined
        ? { 'gen_ai.output.messages': renderOutput(message, reason) }
        : {}),
    });
    if (failure !== undefined) setFailed(this.#span, failure);
    this.endOpen(failure);
    this.#span.end();
  }

  close(): void {
    if (!this.#span.isRecording()) return;
    this.#span.setAttribute('chiron.turn.handed_off', true);
    this.endOpen('handed_off');
    this.#span.end();
  }

  private follow(event: HarnessEvent): void {
    switch (event.type) {
      case 'model-call-start':
        return this.beginModelCall(event);
      case 'model-call-end':
        return this.endModelCall(event);
      case 'tool-call':
        return this.beginTool(event);
      case 'tool-result':
        return this.endTool(event);
      default:
    }
  }

  /** Codex and Claude Code tell of a call when its answer begins, or when it is complete: it was sent before. */
  private beginModelCall({ model }: Extract<HarnessEvent, { readonly type: 'model-call-start' }>): void {
    this.#modelCall?.end();
    const attributes: Attributes = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': PROVIDERS.get(this.thread.harness) ?? this.thread.harness,
      'gen_ai.request.model': model,
    };
    const startTime = this.#readySince;
    const options = { kind: SpanKind.CLIENT, attributes, ...(startTime === undefined ? {} : { startTime }) };
    this.#modelCall = this.tracer.startSpan(`chat ${model}`, options, this.#context);
  }

  private endModelCall({ model, usage }: Extract<HarnessEvent, { readonly type: 'model-call-end' }>): void {
    this.#readySince = Date.now();
    this.#modelCall?.setAttributes({ 'gen_ai.response.model': model, ...toUsageAttributes(usage) });
    this.#modelCall?.end();
    this.#modelCall = undefined;
  }

  private beginTool({ id, name, server, input }: Extract<HarnessEvent, { readonly type: 'tool-call' }>): void {
    const attributes: Attributes = {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': name,
      'gen_ai.tool.call.id': id,
      'chiron.tool.server': server,
      ...(this.capturesContent ? { 'gen_ai.tool.call.arguments': renderToolArguments(input) } : {}),
    };
    const options = { kind: SpanKind.INTERNAL, attributes };
    this.#tools.set(id, this.tracer.startSpan(`execute_tool ${name}`, options, this.#context));
  }

  private endTool({ id, content, isError }: Extract<HarnessEvent, { readonly type: 'tool-result' }>): void {
    this.#readySince = Date.now();
    const span = this.#tools.get(id);
    if (span === undefined) return;
    this.#tools.delete(id);
    if (this.capturesContent) span.setAttribute('gen_ai.tool.call.result', renderToolResult(content));
    if (isError) setFailed(span, 'tool_error');
    span.end();
  }

  /** Ends the spans of tools and starts that have no end of their own; with why they ended, if it was too early. */
  private endOpen(failure: string | undefined): void {
    for (const span of [this.#start, this.#modelCall, ...this.#tools.values()]) {
      if (span === undefined) continue;
      if (failure !== undefined) setFailed(span, failure);
      span.end();
    }
    this.#start = undefined;
    this.#modelCall = undefined;
    this.#tools.clear();
  }
}

/** The conventions count cached tokens among those of the input. */
function toUsageAttributes(usage: TokenUsage): Attributes {
  const { inputTokens, cacheReadInputTokens, cacheCreationInputTokens } = usage;
  return {
    'gen_ai.usage.input_tokens': inputTokens + cacheReadInputTokens + cacheCreationInputTokens,
    'gen_ai.usage.output_tokens': usage.outputTokens,
    'gen_ai.usage.cache_read.input_tokens': cacheReadInputTokens,
    'gen_ai.usage.cache_creation.input_tokens': cacheCreationInputTokens,
  };
}

function setFailed(span: Span, type: string): void {
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}
