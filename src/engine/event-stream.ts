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
export function createEventStream() {
  const consumers = new Set<Consumer>();
  const heartbeat = setInterval(() => {
    for (const consumer of consumers) send(consumer, '\r\n');
  }, HEARTBEAT_MS).unref();

  function send(consumer: Consumer, text: string): void {
    const { response } = consumer;
    response.write(text);
    // A consumer that does not read is closed: it must take a snapshot again anyway.
    if (response.writableLength > MAX_BACKLOG_BYTES) response.destroy();
  }

  const publish: Publish = (eventType, fields) => {
    if (consumers.size === 0) return;
    const data = JSON.stringify({ eventType, timestamp: new Date().toISOString(), ...fields });
    const frame = `event: ${eventType}\r\ndata: ${data}\r\n\r\n`;
    for (const consumer of consumers) {
      if (consumer.types.size === 0 || consumer.types.has(eventType)) send(consumer, frame);
    }
  };

  function detach(consumer: Consumer): void {
    if (!consumers.delete(consumer)) return;
    publish('event_stream_detached', { remoteAddress: consumer.remoteAddress });
  }

  return {
    publish,

    /** Turns an HTTP exchange into a stream of the given event types (none: all). */
    attach: (request: IncomingMessage, response: ServerResponse, types: string[]): void => {
      const remoteAddress = request.socket.remoteAddress ?? '';
      const consumer: Consumer = { response, types: new Set(types), remoteAddress };
      request.socket.setNoDelay(true);
      response.writeHead(200, {
        'Content-Type': 'text/event-stream;charset=utf-8',
        Connection: 'close',
      });
      response.flushHeaders();
      response.on('close', () => detach(consumer));
      response.on('error', () => response.destroy());
      consumers.add(consumer);
      publish('event_stream_attached', { remoteAddress });
    },

    close: (): void => {
      clearInterval(heartbeat);
      for (const { response } of consumers) response.end();
      consumers.clear();
    },
  };
}
