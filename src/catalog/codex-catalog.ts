import type { ServedModel } from '../harness/models/served-models.js';

/** How large Codex takes a context for that is not known: it must not compact what the agent keeps by itself. */
const CONTEXT_TOKENS = 1_000_000;

/** A model in the form of Codex's catalogue: all fields that `codex debug models` prints and that have no default. [Codex 0.169.0] */
export interface CodexModel {
  readonly slug: string;
  readonly display_name: string;
  readonly [field: string]: unknown;
}

/**
 * Converts models to Codex's catalogue. Its agent is only a terminal here, so that nothing is switched on that its model would need: the first
 * request has a third of its size, and there is no warning about an unknown model. [Codex 0.169.0]
 */
export function toCodexCatalog(models: readonly ServedModel[]): { readonly models: readonly CodexModel[] } {
  return { models: models.map(toCodexModel) };
}

function toCodexModel(model: ServedModel, index: number): CodexModel {
  const context = model.contextTokens ?? CONTEXT_TOKENS;
  return {
    slug: model.id,
    display_name: model.displayName,
    description: 'An agent on the server.',
    default_reasoning_level: null,
    supported_reasoning_levels: [],
    shell_type: 'unified_exec',
    visibility: 'list',
    supported_in_api: true,
    priority: index,
    additional_speed_tiers: [],
    service_tiers: [],
    availability_nux: null,
    upgrade: null,
    model_messages: null,
    include_skills_usage_instructions: false,
    include_plugin_usage_instructions: false,
    include_apps_usage_instructions: false,
    default_reasoning_summary: 'none',
    support_verbosity: false,
    default_verbosity: null,
    apply_patch_tool_type: null,
    web_search_tool_type: 'text',
    truncation_policy: { mode: 'tokens', limit: 10_000 },
    supports_image_detail_original: false,
    context_window: context,
    max_context_window: context,
    effective_context_window_percent: 95,
    experimental_supported_tools: [],
    input_modalities: ['text', 'image'],
    supports_search_tool: false,
    supports_experimental_context: false,
    use_responses_lite: false,
    base_instructions: 'Answer.',
  };
}
