import type { OpenAPIObject } from '@nestjs/swagger';
import { asObject } from '../domain/json.js';
import { type HarnessTypes, listHarnessTypes, parseHarnessType } from './dto/harness-type.js';

/** Names in an OpenAPI document the types that a new session may have; none where the deployment accepts any. */
export function describeHarnessTypes(document: OpenAPIObject, types: HarnessTypes): OpenAPIObject {
  if (parseHarnessType(undefined, types) !== undefined) return document;
  const body = asObject(document.components?.schemas?.['CreateSessionDto']);
  const properties = asObject(body['properties']);
  const field = { ...asObject(properties['harness_type']), enum: [...listHarnessTypes(types)] };
  const described = { ...body, properties: { ...properties, harness_type: field } };
  const schemas = { ...document.components?.schemas, CreateSessionDto: described };
  return { ...document, components: { ...document.components, schemas } };
}
