/** Follows a log through a WebSocket, and goes on where it was after a break. */
import { base, call } from './api.js';

/** Bytes before the end at which a page begins. */
const begin = -2_000_000;

/** Milliseconds. */
const longestPause = 15_000;

/** `on`: start(offset, isFirst), text(string), note(sentence), state(words). Answers { stop, go }. */
export function follow(path, on) {
  const reader = createReader(on);
  let socket;
  let timer;
  let tries = 0;
  let isWanted = true;

  const connect = async () => {
    on.state('connecting');
    try {
      const { ticket } = await call('POST', `${base}/api/v1/tickets`);
      if (!isWanted) return;
      socket = openSocket(path, { ...reader.place(), ticket });
      Object.assign(socket, { onmessage, onclose });
    } catch (error) {
      if (isRefusal(error)) on.state(error.message);
      else if (isWanted) later(error.message);
    }
  };
  const later = (why) => {
    tries += 1;
    const pause = Math.min(longestPause, 500 * 2 ** tries);
    on.state(`${why}; again in ${Math.round(pause / 1000)} s`);
    timer = setTimeout(connect, pause);
  };
  const onmessage = ({ data }) => {
    tries = 0;
    reader.take(data);
  };
  const onclose = ({ code, reason }) => {
    if (code === 1000 || code === 1008) on.state(reason || 'the end');
    else later(reason || 'the connection broke');
  };

  void connect();
  return {
    /** Asks for nothing more; `go` takes it up at the same byte. */
    stop() {
      isWanted = false;
      clearTimeout(timer);
      // What it still says will be read again.
      if (socket) Object.assign(socket, { onmessage: null, onclose: null }).close(1000);
      on.state('paused');
    },
    go() {
      isWanted = true;
      tries = 0;
      void connect();
    },
  };
}

/** True when asking again is of no use. */
function isRefusal({ status }) {
  return status >= 400 && status < 500 && status !== 429;
}

function openSocket(path, query) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  return socket;
}

/** Makes text of what comes, and knows up to which byte. */
function createReader(on) {
  let identity;
  let offset = begin;
  let decoder = new TextDecoder();

  const moveTo = (place) => {
    // After a break it goes on within a character; anywhere else that would be another one.
    if (place.identity !== identity || place.offset !== offset) {
      decoder = new TextDecoder();
      on.start(place.offset, identity === undefined);
    }
    ({ identity, offset } = place);
  };
  const hear = ({ type, ...told }) => {
    if (type === 'rotated') on.note('the file begins anew');
    else if (type === 'skipped') on.note(`${told.bytes} bytes were left out`);
    else if (type === 'end') on.state(told.reason);
    else if (type === 'position') {
      on.state('following');
      moveTo(told);
    }
  };

  return {
    /** For the query of the next socket. */
    place: () => ({ from: offset, ...(identity === undefined ? {} : { identity }) }),
    take(data) {
      if (typeof data === 'string') return hear(JSON.parse(data));
      offset += data.byteLength;
      on.text(decoder.decode(data, { stream: true }));
    },
  };
}
