/** Upgrades to other protocols than WebSocket, which a server may ignore (RFC 9110, section 7.8). */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** Fields that are about the upgrade alone, and what `Connection` says of them. */
const about = new Set(['upgrade', 'http2-settings']);

export function isForSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/**
 * Has the server read the request again without the wish: Node takes each upgrade for a socket's,
 * and clients such as Java's ask for HTTP/2 with whatever they ask. `head` is what came after it.
 */
export function ignoreUpgrade(
  server: Server,
  request: IncomingMessage,
  { duplex, head }: { duplex: Duplex; head: Buffer },
): void {
  const { method, url, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/1.1`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    const rest = name.toLowerCase() === 'connection' ? withoutUpgrade(value) : value;
    if (!about.has(name.toLowerCase()) && rest !== '') lines.push(`${name}: ${rest}`);
  }
  duplex.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', duplex);
}

function withoutUpgrade(connection: string): string {
  const words = connection.split(',').map((word) => word.trim());
  return words.filter((word) => !about.has(word.toLowerCase())).join(', ');
}
