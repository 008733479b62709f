/** Reads queries as Java clients write them, and answers writes with their deployment. */
import type { IncomingMessage } from 'node:http';
import type { Request, Response } from 'express';
import { formatAddress } from '../../core/address.ts';
import { messageOf } from '../../core/errors.ts';
import { absoluteId } from '../apps/app-id.ts';
import type { DeploymentResult } from '../deployments/deployments.ts';
import { ApiError } from './api-error.ts';

/** The app id in a path: any number of slashes around it, `%2F` inside it. */
export function idFrom(request: Request): string {
  return absoluteId(param(request, 0));
}

/** The n-th group of a route's regular expression. */
export function param(request: Request, index: number): string {
  const value = request.params[String(index)];
  return typeof value === 'string' ? value : '';
}

/** Java's reading: "true" in any case is true, everything else that is given is false. */
export function flag(request: Request, name: string, fallback: boolean): boolean {
  const value = texts(request, name)[0];
  return value === undefined ? fallback : value.toLowerCase() === 'true';
}

/** All values of a query that may be repeated. */
export function texts(request: Request, name: string): string[] {
  const value = request.query[name];
  const list = Array.isArray(value) ? value : [value];
  return list.filter((item) => typeof item === 'string');
}

/** The body's JSON; throws 400 with the parser's own words where it is none, or where there is no body. */
export function jsonOf(request: Request): unknown {
  const text: string = request.body ?? '';
  try {
    return JSON.parse(text);
  } catch (error) {
    const details = text === '' ? 'No content to map due to end-of-input' : messageOf(error);
    throw new ApiError(400, 'Invalid JSON', { details });
  }
}

/** Where the request came to: the one who leads is always this engine. */
export function localAddressOf({ socket }: IncomingMessage) {
  const host = plainAddress(socket.localAddress);
  const port = socket.localPort ?? 0;
  return { host, port, address: formatAddress({ host, port }) };
}

/** Who asks. */
export function remoteAddressOf({ socket }: IncomingMessage): string {
  return plainAddress(socket.remoteAddress);
}

/** A server for both families sees IPv4 within IPv6. */
function plainAddress(address = ''): string {
  return address.replace(/^::ffff:/, '');
}

export function sendDeployment(response: Response, result: DeploymentResult, status = 200): void {
  response.set('Marathon-Deployment-Id', result.deploymentId);
  response.status(status).json({ version: result.version, deploymentId: result.deploymentId });
}
