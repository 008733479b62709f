/** Runs a health command inside a container, in its shell where it has one. */
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LimitFunction } from 'p-limit';
import type { Docker } from '../../clients/docker.ts';
import type { Answer } from './health.ts';

export interface CommandProbe {
  docker: Docker;
  containerId: string;
  command: string;
  timeoutMs: number;
  /** Bounds how many are started at a time; one that runs on holds no other up. */
  starts: LimitFunction;
}

/** What a runtime answers for a program that is not there. */
const NO_SUCH_PROGRAM = new Set([126, 127]);
const MISSING_SHELL = /exec failed.*(no such file|executable file not found)/s;

/** Healthy is exit code 0. A container without a shell gets the command's words as they are. */
export async function probeCommand(probe: CommandProbe): Promise<Answer> {
  const inShell = await run(probe, ['/bin/sh', '-c', probe.command]);
  const shellIsMissing =
    NO_SUCH_PROGRAM.has(inShell.code ?? 0) && MISSING_SHELL.test(inShell.output);
  const { code, output } = shellIsMissing ? await run(probe, words(probe.command)) : inShell;
  if (code === 0) return { ok: true };
  if (code === undefined) {
    return { ok: false, cause: `timed out after ${probe.timeoutMs / 1000} s` };
  }
  const said = output.trim().split('\n').at(-1) ?? '';
  return { ok: false, cause: `command exited with status ${code}${said ? `: ${said}` : ''}` };
}

/** Splits at blanks, keeping what stands in quotes together. */
export function words(command: string): string[] {
  const parts = command.match(/"[^"]*"|'[^']*'|[^\s"']+/g) ?? [];
  return parts.map((part) => part.replace(/^(["'])(.*)\1$/s, '$2'));
}

const MAX_OUTPUT = 512;

interface Result {
  /** Undefined when the time was up. */
  code: number | undefined;
  output: string;
}

async function run(probe: CommandProbe, Cmd: string[]): Promise<Result> {
  const { containerId, timeoutMs, starts } = probe;
  const { exec, stream } = await starts(() => start(probe, Cmd));
  const reading = readOutput(stream);
  const timer = new AbortController();
  const finished = await Promise.race([
    reading.then(() => true),
    sleep(timeoutMs, false, { signal: timer.signal }),
  ]);
  timer.abort();
  const info = await exec.inspect();
  if (!finished) {
    await end(info.Pid, containerId);
    stream.destroy();
    return { code: undefined, output: '' };
  }
  return { code: info.ExitCode ?? undefined, output: await reading };
}

async function start({ docker, containerId }: CommandProbe, Cmd: string[]) {
  const container = docker.getContainer(containerId);
  const exec = await container.exec({ Cmd, AttachStdout: true, AttachStderr: true, Tty: true });
  const stream = (await exec.start({ Tty: true, hijack: true })) as Readable;
  return { exec, stream };
}

async function readOutput(stream: Readable): Promise<string> {
  let output = '';
  try {
    for await (const chunk of stream) {
      if (output.length < MAX_OUTPUT) output += String(chunk);
    }
  } catch {
    // A stream that breaks off has ended like any other; the exit code tells the rest.
  }
  return output.slice(0, MAX_OUTPUT);
}

/** Docker has no call that ends an exec, so its process is killed where it can be seen. */
async function end(pid: number, containerId: string): Promise<void> {
  const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
  if (pid > 0 && groups.includes(containerId)) process.kill(pid, 'SIGKILL');
}
