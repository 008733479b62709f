/** GitLab's list of local addresses that hooks may go to, as the doctor reads it. */
import { expect, test } from 'vitest';
import { findCallback } from '../../src/doctor/gitlab-callback.ts';

const toAddress = 'http://10.1.2.3:7300/hooks/gitlab';
const toIPv6 = 'https://[fd00::7]/hooks/gitlab';
const toName = 'http://localhost/hooks/gitlab';

test.each([
  ['10.1.2.3', toAddress, 'ok'],
  ['10.1.2.3:7300', toAddress, 'ok'],
  ['10.1.2.3:80', toAddress, 'fail'],
  ['10.1.0.0/16', toAddress, 'ok'],
  ['10.2.0.0/16', toAddress, 'fail'],
  ['10.1.0.0/33', toAddress, 'fail'],
  ['10.1.0.0/x', toAddress, 'fail'],
  ['10.1.0.0/', toAddress, 'fail'],
  ['gitlab.test', toAddress, 'fail'],
  ['', toAddress, 'fail'],
  ['fd00::7', toIPv6, 'ok'],
  ['[fd00::7]', toIPv6, 'ok'],
  ['[fd00::7]:443', toIPv6, 'ok'],
  ['[fd00::7]:7300', toIPv6, 'fail'],
  ['fd00::/8', toIPv6, 'ok'],
  ['0.0.0.0/0', toIPv6, 'fail'],
  ['localhost', toName, 'ok'],
  ['LOCALHOST:80', toName, 'ok'],
])('%s for %s: %s', async (entry, hookUrl, state) => {
  const answers: Record<string, unknown> = {
    '/application/settings': {
      allow_local_requests_from_web_hooks_and_services: false,
      outbound_local_requests_whitelist: ['192.0.2.1', entry],
    },
  };
  const ask = async (path: string) => ({
    ...{ status: 200, body: answers[path] ?? [], date: undefined, location: undefined },
  });
  const options = { ask, hookUrl, isUrlSet: true, gitlabUrl: 'http://gitlab.test' };
  expect(await findCallback(options)).toMatchObject({ state });
});
