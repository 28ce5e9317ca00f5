import { defer, EMPTY, filter, map, type Observable, switchMap } from 'rxjs';
import type { ClusterNode } from '../../cluster/cluster-node.js';
import type { HarnessEvent, JsonObject, JsonValue } from '../../domain/harness-event.js';
import { asNumber, asObjects } from '../../domain/json.js';
import { isKnownEvent, PLACEHOLDER } from '../../domain/event-traits.js';
import type { AttemptStart } from '../../storage/event-log/event-rows.js';
import type { LiveEnd } from '../../storage/event-log/live-turn.js';
import type { FeedMessage, RemoteTurns } from '../../storage/event-log/mirrors.js';
import { hasEnded } from '../../storage/stores/turn.js';
import type { TurnStore } from '../../storage/stores/turn.store.js';

/** The name of the stream of a turn's events. */
export const FEED = 'turn-feed';

/** Follows turns on the servers that run them. */
export class ClusterLog implements RemoteTurns {
  constructor(
    private readonly cluster: ClusterNode,
    private readonly turns: TurnStore,
  ) {}

  follow(turnId: string): Observable<FeedMessage> {
    return defer(() => this.turns.placeOf(turnId)).pipe(
      switchMap((place) => {
        if (place === undefined || hasEnded(place.state) || place.node === this.cluster.self.id) return EMPTY;
        const node = this.cluster.findLiving(place.node);
        return node === undefined ? EMPTY : this.cluster.client.stream(node.url, FEED, { turnId });
      }),
      map(parseMessage),
      filter((message) => message !== undefined),
    );
  }
}

const ENDS: Readonly<Record<LiveEnd['kind'], true>> = {
  finished: true,
  'handed-off': true,
  'taken-over': true,
  abandoned: true,
};

/** Reads a line of a feed; `undefined` for a kind of a newer version. */
export function parseMessage(message: JsonObject): FeedMessage | undefined {
  switch (message['kind']) {
    case 'open':
      return {
        kind: 'open',
        attempt: asNumber(message['attempt']) ?? 1,
        count: asNumber(message['count']) ?? 0,
        starts: asObjects(message['starts']).map(toStart),
      };
    case 'events':
      return { kind: 'events', events: toEvents(message['events']) };
    case 'attempt':
      return { kind: 'attempt', start: toStart(asObjects([message['start'] ?? null])[0] ?? {}) };
    case 'end':
      return { kind: 'end', end: toEnd(message['end']) };
    default:
      return undefined;
  }
}

function toStart({ attempt, index }: JsonObject): AttemptStart {
  return { attempt: asNumber(attempt) ?? 1, index: asNumber(index) ?? 0 };
}

function toEnd(end: JsonValue | undefined): LiveEnd['kind'] {
  const isEnd = (text: string): text is LiveEnd['kind'] => Object.hasOwn(ENDS, text);
  return typeof end === 'string' && isEnd(end) ? end : 'taken-over';
}

/** Unknown kinds keep their place, as in the store. */
function toEvents(events: JsonValue | undefined): readonly HarnessEvent[] {
  if (!Array.isArray(events)) return [];
  return events.map((event: { readonly type: string }) => (isKnownEvent(event) ? event : PLACEHOLDER));
}
