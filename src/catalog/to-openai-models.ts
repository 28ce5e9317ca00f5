import type { Page } from './model-page.js';
import type { ModelInfo } from './to-model-info.js';

/** A model with the fields of both APIs; those of OpenAI's are the first. */
export interface SharedModelInfo extends ModelInfo {
  readonly object: 'model';
  /** Seconds since the epoch. */
  readonly created: number;
  readonly owned_by: 'chiron';
}

/** A page with the fields of both APIs, for callers that do not say which one they speak. */
export interface SharedPage extends Page<SharedModelInfo> {
  readonly object: 'list';
  /** Codex with a login of ChatGPT reads only this field, and keeps its own catalogue when it is empty. [Codex 0.169.0] */
  readonly models: readonly never[];
}

/** Adds the fields of OpenAI's API to a model. */
export function toSharedModel(model: ModelInfo): SharedModelInfo {
  return { ...model, object: 'model', created: Date.parse(model.created_at) / 1000, owned_by: 'chiron' };
}

/** Adds the fields of OpenAI's API to a page. */
export function toSharedPage(page: Page<ModelInfo>): SharedPage {
  return { ...page, object: 'list', data: page.data.map(toSharedModel), models: [] };
}
