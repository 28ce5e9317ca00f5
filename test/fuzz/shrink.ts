import { isFields, isList, type JsonNode, jsonText } from './generate/json-node.js';
import { parsed } from './reading.js';
import type { FuzzRequest } from './request.js';

/** Most requests that are sent to find a smaller one. */
const TRIES = 250;
/** Most parts of a body that are tried one by one. */
const PARTS = 60;

/** A smaller request that still shows the same: headers, fields and characters are left out as long as it does. */
export async function smallest(
  request: FuzzRequest,
  shows: (candidate: FuzzRequest) => Promise<boolean>,
): Promise<FuzzRequest> {
  let best = request;
  let tries = 0;
  for (let improved = true; improved && tries < TRIES;) {
    improved = false;
    for (const candidate of smaller(best)) {
      if (tries >= TRIES) break;
      tries += 1;
      if (!(await shows(candidate))) continue;
      best = candidate;
      improved = true;
      break;
    }
  }
  return best;
}

function* smaller(request: FuzzRequest): Iterable<FuzzRequest> {
  const { headers, body, framing } = request;
  if (body !== undefined) yield { ...request, body: undefined };
  if (framing === 'chunked') yield { ...request, framing: 'length' };
  // Without `host` Node itself refuses a request.
  for (const header of headers.filter(([name]) => name !== 'host'))
    yield { ...request, headers: headers.filter((each) => each !== header) };
  if (body === undefined || body.length === 0) return;
  const node = parsed(body);
  const isPacked = headers.some(([name]) => name === 'content-encoding');
  const bodies = node === undefined || isPacked ? halves(body) : smallerJson(node as JsonNode, body);
  for (const each of bodies) if (each.length < body.length) yield { ...request, body: each };
}

function* halves(body: Buffer): Iterable<Buffer> {
  const middle = Math.floor(body.length / 2);
  yield body.subarray(0, middle);
  yield body.subarray(middle);
  if (body.length <= 64) {
    for (let at = 0; at < body.length; at += 1) yield Buffer.concat([body.subarray(0, at), body.subarray(at + 1)]);
  } else {
    const eighth = Math.ceil(body.length / 8);
    for (let at = 0; at < body.length; at += eighth) {
      yield Buffer.concat([body.subarray(0, at), body.subarray(at + eighth)]);
    }
  }
}

function* smallerJson(node: JsonNode, body: Buffer): Iterable<Buffer> {
  let parts = 0;
  try {
    for (const each of smallerNodes(node)) {
      parts += 1;
      if (parts > PARTS) return;
      yield Buffer.from(jsonText(each));
    }
  } catch (error) {
    // Nested too deep to be written: bytes then.
    if (!(error instanceof RangeError)) throw error;
    yield* halves(body);
  }
}

/** Values with one part less, or a smaller part; what leaves out most comes first. */
function* smallerNodes(node: JsonNode): Iterable<JsonNode> {
  if (typeof node === 'string') {
    if (node.length > 0) yield '';
    if (node.length > 1) yield node.slice(0, Math.floor(node.length / 2));
    return;
  }
  if (isList(node)) {
    if (node.length > 1) yield node.slice(Math.ceil(node.length / 2));
    if (node.length > 1) yield node.slice(0, Math.ceil(node.length / 2));
    for (let at = 0; at < node.length; at += 1) yield node.filter((_, index) => index !== at);
    for (let at = 0; at < node.length; at += 1) {
      for (const each of smallerNodes(node[at] ?? null)) yield node.map((old, index) => (index === at ? each : old));
    }
    return;
  }
  if (!isFields(node)) return;
  const entries = Object.entries(node);
  for (const [name] of entries) yield Object.fromEntries(entries.filter(([other]) => other !== name));
  for (const [name, value] of entries) {
    for (const each of smallerNodes(value)) {
      yield Object.fromEntries(entries.map(([other, old]) => [other, other === name ? each : old]));
    }
  }
}
