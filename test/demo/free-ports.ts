/** Finds ports for the parts of a stage. */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that Linux gives to whoever asks for any port, and those that an engine gives to its apps. */
const range = { from: 20_000, to: 31_000 };

/** `count` addresses on loopback on which nobody listens now, as host:port. */
export async function freeAddresses(count: number): Promise<string[]> {
  const addresses: string[] = [];
  while (addresses.length < count) addresses.push(`127.0.0.1:${await freePort()}`);
  return addresses;
}

/** A port of loopback that nobody else finds while this process lives, also where its server restarts. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(range.from, range.to);
    if ((await isKept(port)) && (await isFree(port))) return port;
  }
}

/** Keeps the number for this process by a socket of UDP, by which nothing here is served. */
async function isKept(port: number): Promise<boolean> {
  const socket = createSocket('udp4').unref();
  try {
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    return true;
  } catch {
    socket.close();
    return false;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    await once(server.close(), 'close');
    return true;
  } catch {
    return false;
  }
}
