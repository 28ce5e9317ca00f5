import { Transform } from 'node:stream';
import { ModelNameReader } from './model-name.ts';

/** Whether a model's name matches one of the wildcards. */
export function isAllowedModel(model: string, allowed: readonly string[]): boolean {
  return allowed.some((pattern) => {
    const parts = pattern.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
    return new RegExp(`^${parts.join('.*')}$`, 's').test(model);
  });
}

/**
 * Passes a body on while it is read for its model. Errors before the last byte of a body whose model is not allowed, so that the provider never has
 * the whole of it; the message is for the log.
 */
export function createModelCheck(allowed: readonly string[]): Transform {
  const reader = new ModelNameReader();
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      reader.push(chunk);
      const { model, isOdd } = reader;
      if (isOdd) done(new Error('a request without one model'));
      else if (model !== undefined && !isAllowedModel(model, allowed)) done(new Error(`model ${model.slice(0, 100)}`));
      else done(null, chunk);
    },
  });
}
