/** One end of the message channel between a parent process and a child. */
interface ChannelEnd {
  send(message: object): unknown;
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

type Handler = (body: unknown) => Promise<unknown>;

interface ChannelMessage {
  readonly tollgate: 'request' | 'answer';
  readonly id: number;
  readonly kind?: string;
  readonly body?: unknown;
  readonly error?: string;
}

const isChannelMessage = (message: unknown): message is ChannelMessage =>
  typeof message === 'object' && message !== null && 'tollgate' in message;

/** Questions and answers between processes. Every question ends: with an answer, an error or after `timeoutMs`. */
export class ProcessChannel {
  private readonly waiting = new Map<
    number,
    { resolve: (body: unknown) => void; reject: (error: Error) => void }
  >();
  private lastId = 0;

  constructor(
    private readonly end: ChannelEnd,
    private readonly handlers: Readonly<Record<string, Handler>>,
    private readonly timeoutMs = 5_000,
  ) {
    end.on('message', (message) => {
      if (!isChannelMessage(message)) return;
      if (message.tollgate === 'request') void this.answer(message);
      else this.receive(message);
    });
  }

  request<Result>(kind: string, body?: unknown): Promise<Result> {
    this.lastId += 1;
    const id = this.lastId;
    return new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(new Error(`another process did not answer '${kind}' in ${this.timeoutMs} ms`));
      }, this.timeoutMs);
      const end = (finish: () => void): void => {
        clearTimeout(timer);
        this.waiting.delete(id);
        finish();
      };
      this.waiting.set(id, {
        resolve: (answer) => end(() => resolve(answer)),
        reject: (error) => end(() => reject(error)),
      });
      this.end.send({ tollgate: 'request', id, kind, body });
    }) as Promise<Result>;
  }

  private async answer({ id, kind, body }: ChannelMessage): Promise<void> {
    try {
      const handler = this.handlers[kind ?? ''];
      if (!handler) throw new Error(`no handler for '${kind}'`);
      this.end.send({ tollgate: 'answer', id, body: await handler(body) });
    } catch (error) {
      this.end.send({ tollgate: 'answer', id, error: (error as Error).message });
    }
  }

  private receive({ id, body, error }: ChannelMessage): void {
    if (error === undefined) this.waiting.get(id)?.resolve(body);
    else this.waiting.get(id)?.reject(new Error(error));
  }
}
