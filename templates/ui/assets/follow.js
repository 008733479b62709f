/** Follows a log through a WebSocket, and goes on where it was after a break. */
import { base, call } from './api.js';

/** Bytes before the end at which a page begins. */
const begin = -2_000_000;
const longestPause = 15_000;

/** `on`: start(offset), text(string), note(sentence), state(words). Answers { stop, go }. */
export function follow(path, on) {
  let socket;
  let timer;
  let identity;
  let offset = begin;
  let decoder = new TextDecoder();
  let tries = 0;
  let isWanted = true;

  const connect = async () => {
    on.state('connecting');
    try {
      const { ticket } = await call('POST', `${base}/api/v1/tickets`);
      if (isWanted) open(ticket);
    } catch (error) {
      const isRefused = error.status >= 400 && error.status < 500 && error.status !== 429;
      if (isRefused) on.state(error.message);
      else later(error.message);
    }
  };

  const later = (why) => {
    if (!isWanted) return;
    tries += 1;
    const pause = Math.min(longestPause, 500 * 2 ** tries);
    on.state(`${why}; again in ${Math.round(pause / 1000)} s`);
    timer = setTimeout(connect, pause);
  };

  const open = (ticket) => {
    const url = new URL(path, location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    url.searchParams.set('from', offset);
    if (identity !== undefined) url.searchParams.set('identity', identity);
    url.searchParams.set('ticket', ticket);
    const mine = new WebSocket(url);
    mine.binaryType = 'arraybuffer';
    mine.onmessage = ({ data }) => {
      if (mine !== socket) return;
      tries = 0;
      if (typeof data === 'string') frame(JSON.parse(data));
      else take(data);
    };
    mine.onclose = ({ code, reason }) => {
      if (mine !== socket) return;
      socket = undefined;
      if (code === 1000 || code === 1008) on.state(reason || 'the end');
      else later(reason || 'the connection broke');
    };
    socket = mine;
  };

  const take = (bytes) => {
    offset += bytes.byteLength;
    on.text(decoder.decode(bytes, { stream: true }));
  };

  const frame = ({ type, ...told }) => {
    if (type === 'position') {
      on.state('following');
      // After a break it goes on within a character; anywhere else that would be another one.
      const goesOn = told.identity === identity && told.offset === offset;
      if (!goesOn) {
        decoder = new TextDecoder();
        on.start(told.offset, identity === undefined);
      }
      ({ identity, offset } = told);
    } else if (type === 'rotated') on.note('the file begins anew');
    else if (type === 'skipped') on.note(`${told.bytes} bytes were left out`);
    else if (type === 'end') on.state(told.reason);
  };

  connect();
  return {
    /** Asks for nothing more; `go` takes it up at the same byte. */
    stop() {
      isWanted = false;
      clearTimeout(timer);
      const mine = socket;
      socket = undefined;
      mine?.close(1000);
      on.state('paused');
    },
    go() {
      isWanted = true;
      tries = 0;
      connect();
    },
  };
}
