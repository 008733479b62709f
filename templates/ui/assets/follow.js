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
  // Raised whenever somebody wants something else: a ticket that comes later than that is for nobody.
  let turn = 0;

  const connect = async () => {
    turn += 1;
    const mine = turn;
    on.state('connecting');
    const asked = call('POST', `${base}/api/v1/tickets`);
    const { ticket, problem } = await asked.catch((error) => ({ problem: error }));
    if (mine !== turn) return;
    if (ticket) socket = openSocket(path, { ...reader.place(), ticket }, { onmessage, onclose });
    else if (isRefusal(problem)) on.state(problem.message);
    else later(problem.message);
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
    /** Hears nothing more, since `go` takes it up at the last byte that was read. */
    stop() {
      turn += 1;
      clearTimeout(timer);
      if (socket) Object.assign(socket, { onmessage: null, onclose: null }).close(1000);
      on.state('paused');
    },
    go() {
      tries = 0;
      void connect();
    },
  };
}

/** True when asking again is of no use. */
function isRefusal({ status }) {
  return status >= 400 && status < 500 && status !== 429;
}

function openSocket(path, query, listeners) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const socket = new WebSocket(url);
  return Object.assign(socket, { binaryType: 'arraybuffer', ...listeners });
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
