import { useEffect, useState } from 'preact/hooks';
import { type Api, ApiError } from '../api.js';
import type { StreamedEvent } from '../api-types.js';
import { addEvents, emptyTranscript, type ThreadTranscript } from '../transcript.js';

/** How many of a thread's last turns are read. */
const SHOWN_TURNS = 10;

/** Ids of events: the turn's number times this, and the place in the turn (docs/session-api.md). */
const IDS_PER_TURN = 1_000_000_000;

/** Events are shown together this often, as a fast agent sends hundreds in a second. */
const RENDER_MS = 50;

const RECONNECT_MS = 1000;

/** Reads a thread as it happens, and goes on where it was when the connection breaks. `undefined` until the thread was found. */
export function useTranscript(
  api: Api,
  key: string,
  turnCount: number | undefined,
  onError: (error: unknown) => void,
): ThreadTranscript {
  const [transcript, setTranscript] = useState(() => emptyTranscript(0));
  useEffect(() => {
    if (turnCount === undefined) return;
    const abort = new AbortController();
    const pending: StreamedEvent[] = [];
    let current = emptyTranscript(Math.max(0, (turnCount - SHOWN_TURNS + 1) * IDS_PER_TURN - 1));
    const show = (): void => {
      if (pending.length === 0) return;
      current = addEvents(current, pending.splice(0));
      setTranscript(current);
    };
    const timer = setInterval(show, RENDER_MS);
    void (async () => {
      while (!abort.signal.aborted) {
        try {
          for await (const event of api.readEvents(key, current.lastId, abort.signal)) pending.push(event);
        } catch (error) {
          if (abort.signal.aborted) return;
          onError(error);
          if (error instanceof ApiError && error.status >= 400 && error.status < 500) return;
        }
        show();
        await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
      }
    })();
    return () => {
      abort.abort();
      clearInterval(timer);
    };
  }, [api, key, turnCount]);
  return transcript;
}
