import type { ServedModel } from '../harness/models/served-models.js';

/** Whether a capability is supported. */
interface Support {
  readonly supported: boolean;
}

/** A model in `GET /v1/models`: every field of the official SDK's `ModelInfo` (1.12.0). */
export interface ModelInfo {
  readonly type: 'model';
  readonly id: string;
  readonly display_name: string;
  /** RFC 3339. */
  readonly created_at: string;
  readonly lifecycle: 'active';
  readonly line: string | null;
  readonly deprecated_at: null;
  readonly retires_at: null;
  /** In tokens, as is `max_tokens`. */
  readonly max_input_tokens: number | null;
  readonly max_tokens: number | null;
  readonly capabilities: Capabilities;
}

interface Capabilities {
  readonly batch: Support;
  readonly citations: Support;
  readonly code_execution: Support;
  readonly context_management: Support & {
    readonly clear_thinking_20251015: Support;
    readonly clear_tool_uses_20250919: Support;
    readonly compact_20260112: Support;
  };
  readonly effort: Support & {
    readonly low: Support;
    readonly medium: Support;
    readonly high: Support;
    readonly xhigh: Support;
    readonly max: Support;
  };
  readonly image_input: Support;
  readonly pdf_input: Support;
  readonly server_tools: Support & { readonly web_search: Support; readonly code_execution: Support };
  readonly structured_outputs: Support;
  readonly thinking: Support & {
    readonly types: {
      readonly adaptive: Support;
      readonly between_tools: Support;
      readonly disabled: Support;
      readonly enabled: Support;
    };
  };
}

const YES: Support = { supported: true };
const NO: Support = { supported: false };

/**
 * The date of a name that is not a single model, such as a harness's name: the date of this server's first version. Anthropic's API
 * uses the epoch for an unknown date, but clients sort by date and would list the name as the oldest model.
 */
const FIRST_VERSION = '2026-11-22';

/** A date at the end of a name, or before Bedrock's version suffix: `claude-haiku-4-5-20251001-v1:0`. */
const DATE_IN_NAME = /[-@](20\d\d)-?(\d\d)-?(\d\d)(?:-v\d.*)?$/;

/** Converts a model to the form of the Models API. */
export function toModelInfo(model: ServedModel): ModelInfo {
  return {
    type: 'model',
    id: model.id,
    display_name: model.displayName,
    created_at: `${model.releasedOn ?? dateInName(model.id) ?? FIRST_VERSION}T00:00:00Z`,
    lifecycle: 'active',
    line: model.line ?? null,
    deprecated_at: null,
    retires_at: null,
    max_input_tokens: model.contextTokens ?? null,
    max_tokens: model.maxOutputTokens ?? null,
    capabilities: capabilities(model.hasModel),
  };
}

function dateInName(name: string): string | undefined {
  const date = DATE_IN_NAME.exec(name)?.slice(1).join('-');
  // An invalid date is some other number.
  return date !== undefined && new Date(date).toJSON()?.startsWith(date) ? date : undefined;
}

/** Returns what callers get through this server, not what the model can do: the agent, not the caller, makes the model calls. */
function capabilities(hasModel: boolean): Capabilities {
  const withModel = hasModel ? YES : NO;
  return {
    batch: NO,
    citations: NO,
    code_execution: NO,
    context_management: {
      ...NO,
      clear_thinking_20251015: NO,
      clear_tool_uses_20250919: NO,
      compact_20260112: NO,
    },
    effort: { ...NO, low: NO, medium: NO, high: NO, xhigh: NO, max: NO },
    image_input: withModel,
    pdf_input: withModel,
    server_tools: { ...NO, web_search: NO, code_execution: NO },
    structured_outputs: withModel,
    // No request is refused for its thinking type, so all types count as supported.
    thinking: { ...withModel, types: { adaptive: YES, between_tools: YES, disabled: YES, enabled: YES } },
  };
}
