/** The client of Ekiden's API, where the other side is away, busy, or somebody else. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type VerifyClientCallbackAsync, WebSocketServer } from 'ws';
import { createEkidenApi } from '../../src/clients/ekiden-api.ts';
import { freeAddresses } from '../demo/free-ports.ts';

async function serve(answer: RequestListener) {
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const page = { items: [], next: 'n', extra: { kept: true } };

describe('an answer', () => {
  it('is asked for as who the token is, and keeps what this version does not know', async () => {
    const seen: unknown[] = [];
    const { url } = await serve(({ url: path, headers }, response) => {
      seen.push([path, headers.authorization, headers['job-token']]);
      response.end(JSON.stringify(page));
    });
    for (const token of ['glpat-1', 'glcbt-64_1', undefined]) {
      expect(await createEkidenApi({ url, token }).builds('group/name', 3)).toEqual(page);
    }
    const path = '/api/v1/projects/group%2Fname/builds?limit=3';
    expect(seen).toEqual([
      [path, 'Bearer glpat-1', undefined],
      [path, undefined, 'glcbt-64_1'],
      [path, undefined, undefined],
    ]);
  });

  it.each([
    ['a page', 200, '<html>', {}],
    ['another shape', 200, '{"items":1}', {}],
    ['a page of a proxy', 502, '<html>', {}],
    ['another address', 302, '', { location: 'https://else.test/' }],
  ])('that is %s is told as that', async (_, status, body, headers) => {
    const { url } = await serve((_request, response) => {
      response.writeHead(status, headers).end(body);
    });
    const asking = createEkidenApi({ url, token: 'secret-token' }).builds('p', 1);
    const error: unknown = await asking.catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      message: expect.stringContaining(url),
      hint: expect.any(String),
    });
    expect(String(error)).not.toContain('secret-token');
  });
});

describe('a refusal', () => {
  it('may repeat what an app wrote, and moves no cursor', async () => {
    const problem = { title: 'No \u001b]0;x\u0007.', detail: 'One\n  \u001b[2J', code: 'E' };
    const { url } = await serve((_request, response) => {
      response.writeHead(409).end(JSON.stringify(problem));
    });
    await expect(createEkidenApi({ url, token: 't' }).builds('p', 1)).rejects.toMatchObject({
      message: 'No  ]0;x .',
      hint: 'One\n   [2J',
    });
  });
});

describe('a limit', () => {
  it('is waited for, a few times', async () => {
    let asked = 0;
    const { url } = await serve((_request, response) => {
      asked += 1;
      if (asked < 3) response.writeHead(429, { 'retry-after': '1' }).end('{}');
      else response.end(JSON.stringify(page));
    });
    expect(await createEkidenApi({ url, token: 't' }).builds('p', 1)).toEqual(page);
    expect(asked).toBe(3);
  });

  it('that lasts is told', async () => {
    const problem = { title: 'Too many requests.', detail: 'Wait 300 s.', code: 'E_RATE_LIMIT' };
    const { url } = await serve((_request, response) => {
      response.writeHead(429, { 'retry-after': '300' }).end(JSON.stringify(problem));
    });
    await expect(createEkidenApi({ url, token: 't' }).builds('p', 1)).rejects.toMatchObject({
      message: 'Too many requests.',
      hint: 'Wait 300 s.',
      status: 429,
    });
  });
});

describe('an Ekiden that is away', () => {
  it('is told in words', async () => {
    const [free = ''] = await freeAddresses(1);
    const url = `http://${free}`;
    await expect(createEkidenApi({ url, token: 't' }).builds('p', 1)).rejects.toMatchObject({
      message: `Ekiden does not answer at ${url}: the connection is refused.`,
      hint: expect.stringContaining('EKIDEN_URL'),
    });
  });
});

describe('a log', () => {
  it('is read from its end, and none where there is none', async () => {
    const { url } = await serve(({ url: path = '', headers }, response) => {
      if (path.includes('missing')) {
        response.writeHead(404).end('{"title":"There is no such file.","code":"E_NO_FILE"}');
      } else if (path.includes('empty')) response.writeHead(416).end('{}');
      else {
        const range = headers.range === 'bytes=-3' ? 'bytes 7-9/10' : 'bytes 0-9/10';
        response.writeHead(206, { 'content-range': range }).end('123');
      }
    });
    const place = { project: 'p', environment: 'review/x', service: 'web' };
    const tail = (file: string) =>
      createEkidenApi({ url, token: 't' }).file(place, 'i', file).tail(3);
    expect(await tail('logs/app.log')).toEqual({ bytes: Buffer.from('123'), end: 10 });
    expect(await tail('empty')).toEqual({ bytes: Buffer.alloc(0), end: 0 });
    expect(await tail('missing')).toBeUndefined();
  });

  it('that is cut in the middle is told in words', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    const log = createEkidenApi({ url, token: 't' }).buildLog('p', 'b1');
    const cut = { message: `Ekiden does not answer at ${url}: the connection was cut.` };
    await expect(log.tail(100)).rejects.toMatchObject(cut);
    let said = '';
    const read = async () => {
      for await (const chunk of (await log.read()) ?? []) said += Buffer.from(chunk);
    };
    await expect(read()).rejects.toMatchObject(cut);
    expect(said).toBe('half');
    await expect(createEkidenApi({ url, token: 't' }).builds('p', 1)).rejects.toMatchObject(cut);
  });

  interface Script {
    frames?: (string | object)[];
    close?: number;
    /** A status in place of the socket. */
    refuse?: number;
  }

  /** Each connection is answered by the next of `scripts`: frames, then a close code or a cut. */
  async function follow(scripts: Script[]) {
    const { server, url } = await serve((_request, response) => void response.writeHead(404).end());
    const asked: string[] = [];
    const verifyClient: VerifyClientCallbackAsync = (_info, answer) => {
      const { refuse } = scripts[asked.length] ?? {};
      if (refuse) asked.push(String(refuse));
      answer(!refuse, refuse, JSON.stringify({ title: 'Not now.', code: 'E_NOT_NOW' }));
    };
    const sockets = new WebSocketServer({ server, verifyClient });
    onTestFinished(() => sockets.close());
    sockets.on('connection', (socket, { url: path = '', headers }) => {
      asked.push(`${path.split('?')[1]} ${headers.authorization}`);
      const script = scripts[asked.length - 1];
      for (const frame of script?.frames ?? []) {
        socket.send(typeof frame === 'string' ? Buffer.from(frame) : JSON.stringify(frame));
      }
      if (script?.close) socket.close(script.close, 'a reason');
      else setTimeout(() => socket.terminate(), 50);
    });
    const log = createEkidenApi({ url, token: 't' }).buildLog('p', 'b1');
    let text = '';
    const read = async () => {
      for await (const part of log.follow(-5, new AbortController().signal)) {
        text += part.type === 'data' ? part.bytes.toString() : `[${part.bytes}]`;
      }
    };
    const error: unknown = await read().catch((caught: unknown) => caught);
    return { text, asked, error };
  }

  const position = (offset: number, identity = 'i') => ({ type: 'position', identity, offset });
  const end = { type: 'end', reason: 'it has ended' };

  it('goes on after refusals that pass', async () => {
    const { text, asked, error } = await follow([
      { frames: [position(100), 'one '] },
      { refuse: 503 },
      { refuse: 429 },
      { frames: [position(104), 'two', end], close: 1000 },
    ]);
    expect([text, error]).toEqual(['one two', undefined]);
    expect(asked.slice(1, 3)).toEqual(['503', '429']);
  });

  it('goes on after a break where it was, byte by byte', async () => {
    const { text, asked, error } = await follow([
      { frames: [position(100), 'one ', 'two '] },
      { frames: [position(108), 'three '], close: 1001 },
      { frames: [{ type: 'rotated' }, position(0, 'j'), 'four ', { type: 'newer' }] },
      { frames: [{ type: 'skipped', bytes: 9 }, position(14, 'j'), 'five', end], close: 1000 },
    ]);
    expect(error).toBeUndefined();
    expect(text).toBe('one two three four [9]five');
    expect(asked).toEqual([
      'from=-5 Bearer t',
      'from=108&identity=i Bearer t',
      'from=114&identity=i Bearer t',
      'from=5&identity=j Bearer t',
    ]);
  });

  it('goes on behind a jump back, after which bytes have other places', async () => {
    const { text, asked, error } = await follow([
      { frames: [position(100), 'kept lost ', position(105), 'anew '] },
      { frames: [position(110), 'on', end], close: 1000 },
    ]);
    expect([text, error]).toEqual(['kept lost anew on', undefined]);
    expect(asked[1]).toBe('from=110&identity=i Bearer t');
  });

  it('ends with the reason when the role is no longer enough', async () => {
    const { text, asked, error } = await follow([{ frames: [position(0), 'one'], close: 1008 }]);
    expect([text, asked.length]).toEqual(['one', 1]);
    expect(error).toMatchObject({ message: 'Ekiden ended the log: a reason.' });
  });

  it('is refused in the words of the API', async () => {
    const { url } = await serve(() => undefined).then(({ server, url: address }) => {
      server.on('upgrade', (_request, socket) => {
        const body = '{"title":"There is no such build.","code":"E_NOT_FOUND"}';
        socket.end(`HTTP/1.1 404 Not Found\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      });
      return { url: address };
    });
    const log = createEkidenApi({ url, token: 't' }).buildLog('p', 'b1');
    const [first] = [log.follow(0, new AbortController().signal)[Symbol.asyncIterator]()];
    await expect(first?.next()).rejects.toMatchObject({
      message: 'There is no such build.',
      status: 404,
    });
  });
});
