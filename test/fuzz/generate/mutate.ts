import { below, chance, many, type Random, weighted } from '../draw.js';
import { HISTORY_BLOCKS } from './blocks.js';
import { isFields, isList, type JsonFields, type JsonNode, RawJson } from './json-node.js';
import { oddName, oddValue } from './odd.js';

/** A value with one to four things about it changed that a schema would not have so. */
export function mutated(random: Random, node: JsonNode): JsonNode {
  let changed = node;
  for (let left = 1 + below(random, 4); left > 0; left -= 1) changed = changedSomewhere(random, changed);
  return changed;
}

/** A block of a conversation with an odd value in one of its fields, in a message that may be the last one. */
export function withOddBlock(random: Random, body: JsonFields): JsonNode {
  const block = random.pick(HISTORY_BLOCKS)(random);
  const name = random.pick(Object.keys(block).filter((each) => each !== 'type'));
  const message = { role: random.pick(['user', 'assistant']), content: [{ ...block, [name]: oddValue(random) }] };
  const messages = isList(body['messages']) ? body['messages'] : [];
  return { ...body, messages: chance(random, 0.6) ? [message, ...messages] : [...messages, message] };
}

/** Goes down a random way into the value, and changes what it comes to. */
function changedSomewhere(random: Random, node: JsonNode): JsonNode {
  const entries = entriesOf(node);
  if (entries.length === 0 || random.next() < 0.25) return changedHere(random, node);
  const [chosen] = random.pick(entries);
  const replaced = entries.map(([name, value]): readonly [string, JsonNode] => [
    name,
    name === chosen ? changedSomewhere(random, value) : value,
  ]);
  return rebuilt(node, replaced);
}

function changedHere(random: Random, node: JsonNode): JsonNode {
  const entries = entriesOf(node);
  return weighted<() => JsonNode>(random, [
    [4, () => oddValue(random)],
    [1, () => [node]],
    [1, () => ({ value: node })],
    [1, () => (isList(node) ? Object.fromEntries(entries) : entries.map(([, value]) => value))],
    [2, () => withoutOne(random, node, entries)],
    [2, () => rebuilt(node, [...entries, [oddName(random), oddValue(random)]])],
    [1, () => twice(random, node)],
    [1, () => (isList(node) ? many(below(random, 500), () => node[0] ?? null) : `a ${typeof node}`)],
  ])();
}

function withoutOne(random: Random, node: JsonNode, entries: Entries): JsonNode {
  const left = below(random, Math.max(1, entries.length));
  return rebuilt(
    node,
    entries.filter((_, index) => index !== left),
  );
}

/** An object with one of its names twice, the second time with another value. */
function twice(random: Random, node: JsonNode): JsonNode {
  if (!isFields(node) || Object.keys(node).length === 0) return oddValue(random);
  const name = random.pick(Object.keys(node));
  return Object.fromEntries([...Object.entries(node), [`${name}\u0000again`, oddValue(random)]]);
}

type Entries = readonly (readonly [name: string, value: JsonNode])[];

function entriesOf(node: JsonNode): Entries {
  if (isList(node)) return node.map((value, index) => [String(index), value]);
  return isFields(node) ? Object.entries(node) : [];
}

function rebuilt(node: JsonNode, entries: Entries): JsonNode {
  if (isList(node)) return entries.map(([, value]) => value);
  if (!isFields(node)) return node;
  return Object.fromEntries(entries);
}

/** JSON text with the duplicates in it that {@link mutated} asked for. */
export function withDuplicates(text: string): RawJson {
  return new RawJson(text.replaceAll(String.raw`\u0000again":`, '":'));
}
