import { useEffect, useRef, useState } from 'react';
import { problemOf } from '../api/problem';
import { type Query, queryText } from '../api/query-text';
import { endSession, readToken } from '../session/session';
import { createEventStreamParser, type StreamEvent } from './event-stream-parser';
import { reconnectDelayMs } from './reconnect-delay';

export type LiveState = 'connecting' | 'live' | 'reconnecting' | 'paused';

/** A stream that says nothing for so long (heartbeats come every 15 s) is taken for dead. */
const silenceMs = 40_000;

interface Connection {
  path: string;
  lastId: string;
  signal: AbortSignal;
  onState(state: LiveState): void;
  onEvent(event: StreamEvent): void;
}

/** Reads until the stream ends, breaks or goes silent; answers the last id, from which the next one goes on. */
const readOnce = async (connection: Connection): Promise<string> => {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), silenceMs);
  const parser = createEventStreamParser(connection.onEvent);
  try {
    const token = readToken();
    const response = await fetch(connection.path, {
      headers: {
        accept: 'text/event-stream',
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(connection.lastId ? { 'last-event-id': connection.lastId } : {}),
      },
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.any([connection.signal, silence.signal]),
    });
    if (response.status === 401) endSession(problemOf(401, await response.text()).message);
    if (!response.ok || !response.body) return connection.lastId;
    connection.onState('live');
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silenceMs);
      parser.push(piece.value);
    }
  } catch {
    // Whatever broke it, the next attempt tells; the mark shows that we are not live.
  } finally {
    clearTimeout(timer);
  }
  return parser.lastId() || connection.lastId;
};

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });

const stayConnected = async (connection: Connection): Promise<void> => {
  let attempt = 0;
  while (!connection.signal.aborted) {
    const onState = (state: LiveState): void => {
      if (state === 'live') attempt = 0;
      connection.onState(state);
    };
    connection.lastId = await readOnce({ ...connection, onState });
    if (connection.signal.aborted) return;
    connection.onState('reconnecting');
    await pause(reconnectDelayMs(attempt++, Math.random()), connection.signal);
  }
};

export interface LiveStreamOptions {
  query?: Query;
  /** False pauses it: the connection is closed. */
  isOn?: boolean;
  onEvent(event: StreamEvent): void;
}

/**
 * Follows a stream of server-sent events for as long as the component is shown. It is read with fetch, because
 * EventSource cannot send the Authorization header and a token must not stand in a URL.
 */
export const useLiveStream = (
  path: string,
  { query = {}, isOn = true, onEvent }: LiveStreamOptions,
): LiveState => {
  const [state, setState] = useState<LiveState>('connecting');
  const latest = useRef(onEvent);
  latest.current = onEvent;
  const address = path + queryText(query);
  useEffect(() => {
    if (!isOn) {
      setState('paused');
      return;
    }
    const ending = new AbortController();
    setState('connecting');
    const { signal } = ending;
    void stayConnected({
      path: address,
      lastId: '',
      signal,
      onState: (next) => !signal.aborted && setState(next),
      onEvent: (event) => latest.current(event),
    });
    return () => ending.abort();
  }, [address, isOn]);
  return state;
};
