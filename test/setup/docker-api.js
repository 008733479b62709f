/** The few calls to Docker's HTTP API that the set-up needs, over node:http. */
import { once } from 'node:events';
import { request } from 'node:http';

/** Docker 20.10, the oldest that Ekiden supports and the one of Debian 12. */
export const oldestApi = '1.41';

const timeoutMs = 60_000;

/** Docker's answer was not a good one. */
class DockerError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** Creates a client of the daemon at `host`, written as DOCKER_HOST is (`unix:///path` or `tcp://host:port`). */
export function createDockerApi(host) {
  const target = targetOf(host);
  const call = (method, path, body) => send(target, method, `/v${oldestApi}${path}`, body);
  return {
    host,
    /** The daemon's API version; throws where it does not answer or may not be asked. */
    async ping() {
      const answer = await send({ ...target, timeout: 5000 }, 'GET', '/_ping');
      return answer.headers['api-version'] ?? '0';
    },
    async get(path) {
      return JSON.parse((await call('GET', path)).text);
    },
    async post(path, body) {
      const { text } = await call('POST', path, body);
      return text.startsWith('{') ? text : '';
    },
    /** Removes something; that it is gone already is as good. */
    async remove(path) {
      try {
        await call('DELETE', path);
      } catch (error) {
        // 409: another removal of the same thing is under way, or something still uses it.
        if (error.status !== 404 && error.status !== 409) throw error;
      }
    },
  };
}

/** Tells whether API version `version` is at least `oldest`, both written as `1.41`. */
export function isRecent(version, oldest = oldestApi) {
  const [[major, minor], [oldMajor, oldMinor]] = [version, oldest].map((v) =>
    v.split('.').map(Number),
  );
  return major > oldMajor || (major === oldMajor && minor >= oldMinor);
}

/** Writes the query of a list call that asks for what carries `label`. */
export function labelled(label) {
  return `filters=${encodeURIComponent(JSON.stringify({ label: [label] }))}`;
}

function targetOf(host) {
  const url = new URL(host.startsWith('/') ? `unix://${host}` : host);
  if (url.protocol === 'unix:') return { socketPath: url.pathname };
  return { host: url.hostname, port: Number(url.port || 2375) };
}

/** A body that is a stream goes out as it is (a tar), anything else as JSON. */
async function send(target, method, path, body) {
  const isStream = typeof body?.pipe === 'function';
  const headers = body && { 'content-type': isStream ? 'application/x-tar' : 'application/json' };
  // No agent: a kept connection would keep the daemon's shutdown waiting.
  const call = request({ timeout: timeoutMs, ...target, method, path, headers, agent: false });
  call.on('timeout', () =>
    call.destroy(new Error(`Docker did not answer ${method} ${path} in time`)),
  );
  const response = once(call, 'response');
  if (isStream) body.pipe(call);
  else call.end(body && JSON.stringify(body));
  const [answer] = await response;
  const text = (await answer.setEncoding('utf8').toArray()).join('');
  if (answer.statusCode >= 400) {
    throw new DockerError(
      `Docker answered ${answer.statusCode} to ${method} ${path}: ${text.trim()}`,
      answer.statusCode,
    );
  }
  return { headers: answer.headers, text };
}
