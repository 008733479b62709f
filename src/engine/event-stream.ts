/** The event stream: server-sent events framed as Jetty frames them, which Marathon's clients split on. */
import type { IncomingMessage, ServerResponse } from 'node:http';

export type Publish = (eventType: string, fields: Record<string, unknown>) => void;

interface Consumer {
  response: ServerResponse;
  /** Empty for all. */
  types: Set<string>;
  remoteAddress: string;
}

/** Clients give a stream up after 15 s of silence; Jetty itself beats every 10 s. */
const HEARTBEAT_MS = 5_000;

/** Marathon closes a consumer that is 1024 events behind; most events are below 4 KiB. */
const MAX_BACKLOG_BYTES = 1024 * 4096;

/** Fans events out to all attached consumers; each event is written once as text. */
export function createEventStream(): EventStream {
  return new EventStream();
}

class EventStream {
  readonly #consumers = new Set<Consumer>();
  readonly #heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS).unref();

  readonly publish: Publish = (eventType, fields) => {
    if (this.#consumers.size === 0) return;
    const data = JSON.stringify({ eventType, timestamp: new Date().toISOString(), ...fields });
    const frame = `event: ${eventType}\r\ndata: ${data}\r\n\r\n`;
    for (const consumer of this.#consumers) {
      if (consumer.types.size === 0 || consumer.types.has(eventType)) send(consumer, frame);
    }
  };

  /** Turns an HTTP exchange into a stream of the given event types (none: all). */
  attach(request: IncomingMessage, response: ServerResponse, types: string[]): void {
    const remoteAddress = request.socket.remoteAddress ?? '';
    const consumer: Consumer = { response, types: new Set(types), remoteAddress };
    request.socket.setNoDelay(true);
    response.writeHead(200, {
      'Content-Type': 'text/event-stream;charset=utf-8',
      Connection: 'close',
    });
    response.flushHeaders();
    response.on('close', () => this.#detach(consumer));
    response.on('error', () => response.destroy());
    this.#consumers.add(consumer);
    this.publish('event_stream_attached', { remoteAddress });
  }

  close(): void {
    clearInterval(this.#heartbeat);
    for (const { response } of this.#consumers) response.end();
    this.#consumers.clear();
  }

  #beat(): void {
    for (const consumer of this.#consumers) send(consumer, '\r\n');
  }

  #detach(consumer: Consumer): void {
    if (!this.#consumers.delete(consumer)) return;
    this.publish('event_stream_detached', { remoteAddress: consumer.remoteAddress });
  }
}

export type { EventStream };

function send({ response }: Consumer, text: string): void {
  response.write(text);
  // A consumer that does not read is closed: it must take a snapshot again anyway.
  if (response.writableLength > MAX_BACKLOG_BYTES) response.destroy();
}
