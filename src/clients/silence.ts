/** Ends WebSockets whose other side is gone. */
import type { WebSocket } from 'ws';

/** Milliseconds: Ekiden's own sockets ping three times in so long. */
const silence = 60_000;

/** A host that vanished without a word would keep the socket for ever; the timer is the caller's to clear. */
export function endWhenSilent(socket: WebSocket): NodeJS.Timeout {
  const timer = setTimeout(() => socket.terminate(), silence);
  socket.on('ping', () => timer.refresh()).on('message', () => timer.refresh());
  return timer;
}
