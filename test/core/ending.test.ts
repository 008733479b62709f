/** How an instance ended, from the words of the engine, of Mesos and of Docker. */
import { expect, test } from 'vitest';
import { endingOf, sentenceOfExit } from '../../src/core/ending.ts';

const calm = { outOfMemory: false };
const mesosPull =
  "Failed to launch container: Failed to run 'docker -H unix:///var/run/docker.sock pull r.test/a:1': exited with status 1; stderr='Error response from daemon: manifest for r.test/a:1 not found: manifest unknown: manifest unknown\n'";
const memory =
  'Memory limit exceeded: Requested: 32MB Maximum Used: 32MB\n\nMEMORY STATISTICS: \ncache 0\nrss 33554432\n';
const notFound =
  'OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "serve": executable file not found in $PATH: unknown';
const noFile =
  'failed to create shim: OCI runtime create failed: runc create failed: unable to start container process: exec: "/app/run": stat /app/run: no such file or directory: unknown';
const denied =
  'OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "/app/run": permission denied: unknown';
const named =
  'Conflict. The container name "/mesos-1" is already in use by container "0123". You have to remove (or rename) that container to be able to reuse that name.';
const port =
  'driver failed programming external connectivity on endpoint x (0123): Bind for 0.0.0.0:8080 failed: port is already allocated';

test.each([
  ['Container exited with status 3', 'exited with status 3', { code: 3, ...calm }],
  ['Command exited with status 1', 'exited with status 1', { code: 1, ...calm }],
  [
    'Container exited with status 0',
    'ended by itself, with status 0; a service has to go on',
    { code: 0, ...calm },
  ],
  [
    'Container exited with status 127',
    'its command was not found (exited with status 127)',
    { code: 127, ...calm },
  ],
  [
    'Container exited with status 126',
    'its command may not be executed (exited with status 126)',
    { code: 126, ...calm },
  ],
  [
    'Container exited with status 139: ended by SIGSEGV',
    'was ended by SIGSEGV (exited with status 139)',
    { code: 139, signal: 'SIGSEGV', ...calm },
  ],
  [
    'Container exited with status 137',
    'was ended by SIGKILL (exited with status 137)',
    { code: 137, signal: 'SIGKILL', ...calm },
  ],
  [
    'Container exited with status 137: out of memory',
    'ran out of memory and was killed',
    { code: 137, signal: 'SIGKILL', outOfMemory: true },
  ],
  ['Command terminated with signal Killed', 'was ended by SIGKILL', { signal: 'SIGKILL', ...calm }],
  [
    'Command terminated with signal Segmentation fault (core dumped)',
    'was ended by SIGSEGV',
    { signal: 'SIGSEGV', ...calm },
  ],
  [memory, 'ran out of memory and was killed, at 32MB', { outOfMemory: true }],
  [
    mesosPull,
    'its image r.test/a:1 cannot be pulled: manifest for r.test/a:1 not found: manifest unknown: manifest unknown',
    calm,
  ],
  [
    "Cannot pull image 'r.test/a:1': pull access denied for r.test/a; the engine has no login for r.test",
    'its image r.test/a:1 cannot be pulled: pull access denied for r.test/a; the engine has no login for r.test',
    calm,
  ],
  [
    'pull access denied for a, repository does not exist or may require docker login',
    'its image cannot be pulled: pull access denied for a',
    calm,
  ],
  [notFound, 'its command serve was not found in the image', calm],
  [noFile, 'its command /app/run was not found in the image', calm],
  [denied, 'its command /app/run may not be executed', calm],
  [
    'standard_init_linux.go:228: exec user process caused: exec format error',
    'its program was made for another kind of processor than that of the node',
    calm,
  ],
  [named, 'another container on the node has its name already: /mesos-1', calm],
  [port, 'a port that it needs is taken on the node: 0.0.0.0:8080', calm],
  ['write /x: no space left on device', 'the disk of its node is full', calm],
  [
    'Task was killed since health check failed. Reason: HTTP 500 from /health',
    'was killed since its check failed: HTTP 500 from /health',
    calm,
  ],
  [
    'Task was killed since health check failed. Reason: command exited with status 3: stuck',
    'was killed since its check failed: command exited with status 3: stuck',
    calm,
  ],
  [
    'Failed to launch container: Failed to fetch all URIs for container 59d5',
    'Failed to fetch all URIs for container 59d5',
    calm,
  ],
])('%s', (message, sentence, facts) => {
  expect(endingOf({ message, state: 'TASK_FAILED' })).toEqual({ sentence, ...facts });
});

test.each([
  ['TASK_FINISHED', 'ended by itself; a service has to go on'],
  ['TASK_GONE', 'is gone with its node'],
  ['TASK_ODD', 'ended as TASK_ODD'],
])('%s without a word', (state, sentence) => {
  expect(endingOf({ message: '', state })).toEqual({ sentence, ...calm });
});

test('a message of a page is cut', () => {
  expect(endingOf({ message: 'x'.repeat(5_000) }).sentence).toHaveLength(400);
});

test.each([
  [{ code: 3, outOfMemory: false }, 'exited with status 3'],
  [{ code: 137, outOfMemory: true }, 'ran out of memory and was killed'],
  [{ code: 143, outOfMemory: false }, 'was ended by SIGTERM (exited with status 143)'],
  [{ code: 255, outOfMemory: false }, 'exited with status 255'],
  [{ outOfMemory: false }, undefined],
])('Docker tells of %j', (exit, sentence) => {
  expect(sentenceOfExit(exit)).toBe(sentence);
});
