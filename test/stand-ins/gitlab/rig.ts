/** What the stand-in's own tests need: a running one, a receiver of hooks, a git working copy. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type GitLabOptions, type GitLabStandIn, startGitLab } from './gitlab.ts';

const run = promisify(execFile);

export interface Received {
  headers: IncomingHttpHeaders;
  raw: string;
  body: Record<string, unknown>;
}

export interface Rig {
  gitlab: GitLabStandIn;
  received: Received[];
  /** Where the receiver listens. */
  hookUrl: string;
  /** What the receiver answers from now on. */
  answer: { status: number; headers?: Record<string, string>; never?: boolean };
  /** Asks the REST API as the administrator, or with the token given. */
  api(
    path: string,
    options?: { method?: string; body?: unknown; token?: string },
  ): Promise<ApiAnswer>;
  /** Runs git in the working copy. */
  git(...args: string[]): Promise<string>;
  /** Writes files into the working copy and commits them. */
  commitAll(files: Record<string, string>, message: string): Promise<string>;
  stop(): Promise<void>;
}

export interface ApiAnswer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: Tests look into answers of every shape.
  json: any;
}

export async function startRig(options: Partial<GitLabOptions> = {}): Promise<Rig> {
  const data = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'gitlab-'));
  const work = join(data, 'work');
  const gitlab = await startGitLab({ data: join(data, 'server'), ...options });
  const received: Received[] = [];
  const answer: Rig['answer'] = { status: 202 };
  const receiver = await startReceiver(received, answer);
  const git: Rig['git'] = async (...args) => {
    const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0' };
    const { stdout } = await run('git', ['-C', work, ...args], { env });
    return stdout.trim();
  };
  await mkdir(work);
  await git('init', '--quiet', '--initial-branch=main');
  await git('config', 'user.name', 'Ada');
  await git('config', 'user.email', 'ada@example.com');
  return {
    gitlab,
    received,
    hookUrl: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hooks/gitlab`,
    answer,
    api: async (path, request = {}) => await ask(gitlab, path, request),
    git,
    commitAll: async (files, message) => {
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(work, path)), { recursive: true });
        await writeFile(join(work, path), content);
      }
      await git('add', '--all');
      await git('commit', '--quiet', '--allow-empty', '-m', message);
      return await git('rev-parse', 'HEAD');
    },
    stop: async () => {
      await gitlab.stop();
      receiver.closeAllConnections();
      receiver.close();
      await rm(data, { recursive: true, force: true });
    },
  };
}

async function startReceiver(received: Received[], answer: Rig['answer']): Promise<Server> {
  const server = createServer((request, response) => {
    let raw = '';
    request.on('data', (chunk: Buffer) => {
      raw += chunk.toString('utf8');
    });
    request.on('end', () => {
      received.push({ headers: request.headers, raw, body: JSON.parse(raw) });
      if (answer.never) return;
      response.writeHead(answer.status, answer.headers);
      response.end('{"decision":"queued"}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function ask(
  gitlab: GitLabStandIn,
  path: string,
  request: { method?: string; body?: unknown; token?: string },
): Promise<ApiAnswer> {
  const response = await fetch(`${gitlab.url}/api/v4${path}`, {
    method: request.method ?? 'GET',
    headers: { 'PRIVATE-TOKEN': request.token ?? gitlab.token, 'Content-Type': 'application/json' },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  });
  const text = await response.text();
  const type = response.headers.get('content-type') ?? '';
  const json = type.includes('json') && text !== '' ? JSON.parse(text) : text;
  return { status: response.status, headers: response.headers, json };
}
