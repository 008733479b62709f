/** The check of answers notices what is not as documented. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { wrongAnswers } from './api-answers.ts';

async function answersOf(status: number, type: string, body: string): Promise<string[]> {
  const server = createServer((_request, response) => {
    // As Ekiden does: set one by one, since what is given to writeHead alone can not be asked for later.
    response.setHeader('Content-Security-Policy', "default-src 'none'");
    response.writeHead(status, { 'Content-Type': type }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  await (await fetch(`http://127.0.0.1:${port}/base/api/v1/self?x=1`)).text();
  return wrongAnswers();
}

const bare = JSON.stringify({
  ...{ type: 'urn:ekiden:problem:E_TOKEN', title: 'No.', status: 401 },
  ...{ code: 'E_TOKEN', mendedBy: 'developer' },
});
const self = { user: 1, username: 'ada', name: 'Ada', mayChange: true };

test.each([
  ['as documented', 200, 'application/json', JSON.stringify(self), []],
  ['without a field', 200, 'application/json', '{"user":1}', [/required property 'username'/]],
  ['of another type', 200, 'text/html', '<html>', [/as text\/html, which is not documented/]],
  ['of another status', 418, 'application/json', '{}', [/answers 418, which is not documented/]],
  ['that does not say what to do', 401, 'application/problem+json', bare, [/what to do/]],
  ['that is no problem', 401, 'application/problem+json', '{}', [/required property 'code'/]],
])('an answer %s', async (_, status, type, body, faults) => {
  const expected = faults.map((fault) => expect.stringMatching(fault));
  expect(await answersOf(status, type, body)).toEqual(expected);
});
