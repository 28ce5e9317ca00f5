import { type Schema as JsonSchema, Validator } from '@cfworker/json-schema';
import type { OpenAPIObject } from '@nestjs/swagger';
import supertest from 'supertest';
import { isJsonObject } from '../../src/domain/json.js';

type Json = Readonly<Record<string, unknown>>;

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const;

/** One operation of the document. */
export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly id: string;
  /** All that the document says about it. */
  readonly object: Json;
}

/** A response as supertest has it. */
export interface AnsweredResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** `undefined` for one without a body. */
  readonly text: string | undefined;
}

/** Headers with a meaning of this API. */
const OWN_HEADERS = /^(x-chiron-.*|request-id|x-should-retry|retry-after)$/;

/** The OpenAPI document of a server, as its callers get it. */
export class ApiDocument {
  readonly operations: readonly Operation[];
  readonly #definitions: Json;

  private constructor(readonly json: Json) {
    this.operations = entries(json['paths']).flatMap(([path, item]) =>
      METHODS.flatMap((method) => {
        const object = objectAt(item, method);
        return object === undefined ? [] : [{ method, path, id: String(object['operationId']), object }];
      }),
    );
    this.#definitions = closed(objectAt(json, 'components', 'schemas') ?? {});
  }

  static async of(url: string): Promise<ApiDocument> {
    const { body } = await supertest(url).get('/openapi.json').expect(200);
    return new ApiDocument(body as OpenAPIObject & Json);
  }

  operation(id: string): Json {
    const found = this.operations.find((operation) => operation.id === id);
    if (found === undefined) throw new Error(`the document has no operation ${id}`);
    return found.object;
  }

  /** What is documented for a status of an operation. */
  response(id: string, status: number): Json {
    const response = objectAt(this.operation(id), 'responses', String(status));
    if (response === undefined) throw new Error(`${id} does not document ${status}`);
    return response;
  }

  /** The schema of a response's body. For an event stream that of the data of each event. */
  schema(id: string, status: number, type: 'application/json' | 'text/event-stream'): Json {
    const schema = objectAt(this.response(id, status), 'content', type, 'schema');
    const wanted = type === 'text/event-stream' ? objectAt(schema, 'contentSchema') : schema;
    if (wanted === undefined) throw new Error(`${id} does not document ${type} for ${status}`);
    return wanted;
  }

  /** What of a response is not as the document says: its status, its body, and those of its headers that are not HTTP's own. */
  differences(id: string, response: AnsweredResponse): readonly string[] {
    const { status, headers, text } = response;
    const documented = objectAt(this.operation(id), 'responses', String(status));
    if (documented === undefined) return [`${id} does not document ${status}`];
    const known = objectAt(documented, 'headers') ?? {};
    const unknown = Object.keys(headers)
      .filter((name) => OWN_HEADERS.test(name) && !Object.hasOwn(known, name))
      .map((name) => `${id} ${status} does not document the header ${name}`);
    if (text === undefined || text === '') return unknown;
    const isStream = headers['content-type']?.startsWith('text/event-stream') === true;
    const schema = this.schema(id, status, isStream ? 'text/event-stream' : 'application/json');
    const values: readonly unknown[] = isStream ? eventData(text) : [JSON.parse(text)];
    return [...unknown, ...values.flatMap((value) => this.problems(schema, value))];
  }

  /** What is wrong with a value, by a schema of the document. A property that no schema has is wrong, too. */
  problems(schema: Json, value: unknown): readonly string[] {
    const whole: JsonSchema = { ...closed(schema), $defs: this.#definitions };
    return new Validator(whole, '2020-12', false)
      .validate(value)
      .errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
  }
}

/** What is at a path inside of JSON, if it is an object. */
export function objectAt(value: unknown, ...path: readonly string[]): Json | undefined {
  let found = value;
  for (const name of path) found = isJsonObject(found) ? found[name] : undefined;
  return isJsonObject(found) ? found : undefined;
}

/** The properties of an object, none of what is no object. */
export function entries(value: unknown): readonly (readonly [string, unknown])[] {
  return isJsonObject(value) ? Object.entries(value) : [];
}

/** The data of each event in an event stream, without the mark of its end that Chat Completions have. */
export function eventData(stream: string): readonly unknown[] {
  return [...stream.matchAll(/^data: (?!\[DONE\]$)(.*)$/gm)].map(([, json]): unknown => JSON.parse(json ?? ''));
}

/** A schema without examples, whose objects have no properties but those that are named, and whose references are definitions. */
function closed(schema: Json): Json {
  const copy = Object.entries(schema)
    .filter(([name, value]) => !(name === 'examples' && Array.isArray(value)) && name !== 'example')
    .map(([name, value]) => [name, name === '$ref' ? String(value).replace(/^.*\//, '#/$defs/') : closedValue(value)]);
  const isClosed = isJsonObject(schema['properties']) && schema['additionalProperties'] === undefined;
  return { ...Object.fromEntries(copy), ...(isClosed ? { additionalProperties: false } : {}) };
}

function closedValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closedValue);
  return isJsonObject(value) ? closed(value) : value;
}
