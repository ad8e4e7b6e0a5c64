import { waitUntil } from './wait-until';

export interface ReceivedEvent {
  id: string | undefined;
  event: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever was sent
  data: any;
}

/** Reads server-sent events until it is closed. */
export const readEventStream = async (url: string, token: string) => {
  const abort = new AbortController();
  const response = await fetch(url, {
    headers: { authorization: `Bearer ${token}` },
    signal: abort.signal,
  });
  const events: ReceivedEvent[] = [];
  const reading = (async () => {
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const block = text.slice(0, end);
        text = text.slice(end + 2);
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
        const data = field('data');
        if (data) events.push({ id: field('id'), event: field('event') ?? '', data: JSON.parse(data) });
      }
    }
  })().catch((error: Error) => {
    if (error.name !== 'AbortError') throw error;
  });
  return {
    status: response.status,
    contentType: response.headers.get('content-type'),
    events,
    until: (what: string, condition: (received: readonly ReceivedEvent[]) => boolean) =>
      waitUntil(what, () => condition(events)),
    /** Ends when the server ends it. */
    ended: reading,
    close: async () => {
      abort.abort();
      await reading;
    },
  };
};
